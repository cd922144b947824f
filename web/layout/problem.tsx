/** Error in place of a page: why it failed, and what to do. */
import { useQueryErrorResetBoundary } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { type ReactNode, useCallback, useEffect, useRef } from 'react';
import { useOutage } from '../data/outage.ts';
import { messageOf } from '../data/request.ts';
import { Icon } from '../ui/icons.tsx';

export const Problem = ({ error }: { readonly error: unknown }): ReactNode => {
  const router = useRouter();
  const { reset } = useQueryErrorResetBoundary();
  const again = useCallback(() => {
    reset();
    void router.invalidate();
  }, [reset, router]);
  const outage = useOutage();
  const lastOutage = useRef(outage);
  useEffect(() => {
    if (lastOutage.current !== undefined && outage === undefined) again();
    lastOutage.current = outage;
  }, [outage, again]);
  return (
    <section className="empty" role="alert">
      <Icon name="warning" />
      <h1>This page could not be shown</h1>
      <p>{messageOf(error)}</p>
      <div className="row">
        <button type="button" className="button primary" onClick={again}>
          Try again
        </button>
        <a className="button plain" href="/">
          Go to the start page
        </a>
      </div>
    </section>
  );
};
