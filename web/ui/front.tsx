/** Frame of the pages before sign-in. */
import { type ReactNode, useEffect } from 'react';
import { Button } from './button.tsx';
import { type Form, useFault } from './form.tsx';
import { Logo } from './icons.tsx';
import { Notice } from './notice.tsx';

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

interface FrontFormProps {
  readonly form: Pick<Form<object>, 'submit' | 'isBusy' | 'problem' | 'faultsElsewhere'>;
  /** Label of the button. */
  readonly action: string;
  readonly children: ReactNode;
}

/** Form of such a page. */
export const FrontForm = ({ form, action, children }: FrontFormProps): ReactNode => {
  const { element, fault } = useFault(form);
  return (
    <form ref={element} onSubmit={form.submit} noValidate>
      {children}
      {fault && <Notice kind="bad">{fault}</Notice>}
      <Button look="primary" type="submit" isPending={form.isBusy}>
        {action}
      </Button>
    </form>
  );
};
