/** Placeholder for an empty list: what the list is for, and what to do next. */
import type { ReactNode } from 'react';
import { Icon, type IconName } from './icons.tsx';

interface EmptyProps {
  readonly icon: IconName;
  readonly title: string;
  readonly children: ReactNode;
  readonly action?: ReactNode;
}

export const Empty = ({ icon, title, children, action }: EmptyProps): ReactNode => (
  <section className="empty">
    <Icon name={icon} />
    <h2>{title}</h2>
    <p>{children}</p>
    {action && <div className="row">{action}</div>}
  </section>
);
