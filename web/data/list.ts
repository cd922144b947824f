/** Queries of lists: whole, or page by page. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { Query } from '../../protocol/endpoints/call.ts';
import type { Reading } from './request.ts';

/** Query of a whole list. Its key is the path of the list; keys of what is in the list begin with it too. */
export const list = <T>({ path, read }: Reading<{ items: T[] }>) =>
  queryOptions({
    queryKey: [path],
    queryFn: async ({ signal }) => (await read({ signal })).items,
  });

/** Lists resources page by page, newest first. Only the pages on screen are polled. */
export const pages = <T>(
  readingOf: (query: Query) => Reading<{ items: T[]; nextCursor?: string | undefined }>,
  query: Query = {},
) =>
  infiniteQueryOptions({
    queryKey: [readingOf(query).path, 'pages', query],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) =>
      readingOf({ ...query, ...(pageParam !== '' && { cursor: pageParam }) }).read({ signal }),
    getNextPageParam: ({ nextCursor }) => nextCursor,
    placeholderData: keepPreviousData,
  });
