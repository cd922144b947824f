/** The frame of the pages before one is signed in. */
import { type ReactNode, useEffect } from 'react';
import { Logo } from './icons.tsx';

interface FrontProps {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly children: ReactNode;
}

export const Front = ({ title, lead, children }: FrontProps): ReactNode => {
  useEffect(() => {
    document.title = `${title} · Reveille`;
  }, [title]);
  return (
    <main className="front">
      <div className="front-card">
        <p className="brand">
          <Logo />
          Reveille
        </p>
        <h1>{title}</h1>
        {lead && <p className="lead">{lead}</p>}
        {children}
      </div>
    </main>
  );
};
