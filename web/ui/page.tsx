/** Frame of every page: a title, its actions, and a document title that names the page. */
import { type ReactNode, useEffect } from 'react';

interface PageProps {
  readonly title: string;
  /** Beside the title. */
  readonly badge?: ReactNode;
  /** Under the title. */
  readonly lead?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
  readonly back?: ReactNode;
}

export const Page = ({ title, badge, lead, actions, back, children }: PageProps): ReactNode => {
  useEffect(() => {
    document.title = `${title} · Reveille`;
  }, [title]);
  return (
    <div className="page">
      {back && (
        <nav className="back" aria-label="Breadcrumb">
          {back}
        </nav>
      )}
      <header className="page-head">
        <div>
          <h1>
            {title} {badge}
          </h1>
          {lead && <p className="lead">{lead}</p>}
        </div>
        {actions && <div className="row">{actions}</div>}
      </header>
      {children}
    </div>
  );
};

interface CardProps {
  readonly title: string;
  readonly children: ReactNode;
  readonly actions?: ReactNode;
  readonly className?: string;
}

export const Card = ({ title, actions, children, className = '' }: CardProps): ReactNode => (
  <section className={`card ${className}`}>
    <header>
      <h2>{title}</h2>
      {actions}
    </header>
    {children}
  </section>
);
