/** Queries of lists: whole, or page by page. */
import { queryOptions } from '@tanstack/react-query';
import type { Query } from '../../protocol/endpoints/call.ts';
import { adaptive } from './polling.ts';
import type { Reading } from './request.ts';

/** Query of a whole list. Its key is the path of the list; keys of what is in the list begin with it too. */
export const list = <T>({ path, read }: Reading<{ items: T[] }>) =>
  queryOptions({
    queryKey: [path],
    queryFn: async ({ signal }) => (await read({ signal })).items,
  });

export interface ListPage<T> {
  readonly items: readonly T[];
  readonly nextCursor?: string;
}

/** Items of a page: more than fit on a screen, so that a refresh reads one page or two. */
export const pageSize = 50;

/** Reads the page of a list that a query asks for. */
export type ReadingOf<T> = (query: Query) => Reading<ListPage<T>>;

/** List that is read page by page: the query of the page after a cursor, the first one without. */
export type Pages<T> = ReturnType<typeof pages<T>>;

/**
 * Makes the queries of a list. A page is polled while `isLive` expects one of its items to change; without
 * it, never.
 */
export const pages =
  <T>(readingOf: ReadingOf<T>, query: Query = {}, isLive?: (item: T) => boolean) =>
  (cursor?: string) => {
    // A search examines far more than it shows: it is read again more rarely.
    const isSearch = query.search !== undefined;
    const { path, read } = readingOf({ limit: pageSize, ...query, cursor });
    return queryOptions({
      queryKey: [path, 'pages', query, cursor ?? ''],
      queryFn: ({ signal }) => read({ signal }),
      refetchInterval: isLive && adaptive<ListPage<T>>(({ items }) => !isSearch && items.some(isLive)),
    });
  };
