/** Highlighted sentence: an error or a warning. */
import type { ReactNode } from 'react';
import { Icon } from './icons.tsx';

interface NoticeProps {
  readonly kind: 'bad' | 'warn' | 'info' | 'ok';
  readonly children: ReactNode;
}

export const Notice = ({ kind, children }: NoticeProps): ReactNode => (
  <div className={`notice ${kind}`} role={kind === 'bad' ? 'alert' : undefined}>
    <Icon name={kind === 'ok' ? 'check' : 'warning'} />
    <div>{children}</div>
  </div>
);
