/** Stands in place of an answer of the API: shows that it loads, or why it failed. */
import type { ReactNode } from 'react';
import { messageOf } from '../data/request.ts';
import { Notice } from './notice.tsx';

/** Placeholder while a page, or a part of one, loads. */
export const Loading = (): ReactNode => (
  <div className="loading" role="status">
    <span className="only-heard">Loading</span>
  </div>
);

interface LoadedProps<T> {
  /** Result of `useQuery`. */
  readonly query: { readonly data: T | undefined; readonly error: unknown };
  readonly children: (data: T) => ReactNode;
}

/**
 * Part of a page that needs an answer: loading, failed, or the part itself. An answer from before a failure
 * stays. What a whole page needs is read by `useSuspenseQuery`, and the router shows loading and failure.
 */
export const Loaded = <T,>({ query: { data, error }, children }: LoadedProps<T>): ReactNode => (
  <>
    {Boolean(error) && <Notice kind="bad">{messageOf(error)}</Notice>}
    {data === undefined ? !error && <Loading /> : children(data)}
  </>
);
