/** Large number with its name under it. Figures stand in a `<Figures>`. */
import type { ReactNode } from 'react';

export const Figures = ({ children }: { readonly children: ReactNode }): ReactNode => (
  <dl className="figures">{children}</dl>
);

interface FigureProps {
  readonly name: string;
  readonly value: string | number;
  readonly note?: string;
}

export const Figure = ({ name, value, note }: FigureProps): ReactNode => (
  <div className="figure">
    <dt>{name}</dt>
    <dd>
      {value}
      {note && <small>{note}</small>}
    </dd>
  </div>
);
