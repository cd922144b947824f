/** Queries of lists: whole, or page by page. */
import {
  type InfiniteData,
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
} from '@tanstack/react-query';
import type { Query } from '../../protocol/endpoints/call.ts';
import type { Reading } from './request.ts';

/** Query of a whole list. Its key is the path of the list; keys of what is in the list begin with it too. */
export const list = <T>({ path, read }: Reading<{ items: T[] }>) =>
  queryOptions({
    queryKey: [path],
    queryFn: async ({ signal }) => (await read({ signal })).items,
  });

interface ListPage<T> {
  readonly items: T[];
  readonly nextCursor?: string;
}

const itemsOf = <T>({ pages: all }: InfiniteData<ListPage<T>>): T[] => all.flatMap(({ items }) => items);

/** Lists resources page by page, newest first. Only the pages on screen are polled. */
export const pages = <T>(readingOf: (query: Query) => Reading<ListPage<T>>, query: Query = {}) =>
  infiniteQueryOptions({
    queryKey: [readingOf(query).path, 'pages', query],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) =>
      readingOf({ ...query, cursor: pageParam || undefined }).read({ signal }),
    getNextPageParam: ({ nextCursor }) => nextCursor,
    select: itemsOf<T>,
    placeholderData: keepPreviousData,
  });
