/**
 * A list of any length, read page by page as it is scrolled. Only the pages on screen are polled and read
 * again, so that a refresh costs the same however long the list is.
 */
import { hashKey, useQueries, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import type { ListPage, Pages } from '../data/list.ts';

/** Indices of rows. */
interface Rows {
  readonly first: number;
  readonly last: number;
}

/** Rows before the end of what is loaded at which the next page is read. */
const ahead = 15;
/** Pages without a match that a filter reads by itself; each is a thousand items and more. */
const patience = 12;

export interface PagedList<T> {
  /** Items of the pages that are loaded; undefined before the first page. */
  readonly data: readonly T[] | undefined;
  readonly error: unknown;
  /** The list goes on after `data`. */
  readonly hasMore: boolean;
  /** Reads on after many pages without a match; undefined while it reads on by itself. */
  readonly readOn: (() => void) | undefined;
  /** Cursors of the pages on screen. */
  readonly onScreen: readonly (string | undefined)[];
  /** Reports the rows that are on screen. */
  readonly show: (first: number, last: number) => void;
}

export const usePages = <T extends { readonly id: string }>(list: Pages<T>): PagedList<T> => {
  const client = useQueryClient();
  const name = hashKey(list().queryKey);
  const fresh = { name, pages: 1, patience, rows: { first: 0, last: 0 } as Rows };
  const [state, setState] = useState(fresh);
  // Another list, such as one by another filter, begins at its first page.
  const asked = state.name === name ? state : fresh;
  const change = (changed: Partial<typeof fresh>) =>
    setState((before) => ({ ...(before.name === name ? before : fresh), ...changed }));

  /** The pages from the first one on, each with the cursor that the one before it names. */
  const chain: { cursor: string | undefined; isOnScreen: boolean }[] = [];
  let start = 0;
  let cursor: string | undefined;
  for (;;) {
    const known = client.getQueryData(list(cursor).queryKey);
    const end = start + (known?.items.length ?? 0);
    const isFirst = chain.length === 0 && asked.rows.first === 0;
    chain.push({ cursor, isOnScreen: isFirst || (start <= asked.rows.last && end > asked.rows.first) });
    cursor = known?.nextCursor;
    // When a change moves the pages, those that are off screen are read again only when they are shown.
    const isNear = end <= asked.rows.last + ahead;
    const isKnown = cursor !== undefined && client.getQueryData(list(cursor).queryKey) !== undefined;
    if (cursor === undefined || chain.length >= asked.pages || !(isKnown || isNear)) break;
    start = end;
  }
  const answers = useQueries({
    queries: chain.map(({ cursor: after, isOnScreen }) => {
      const page = list(after);
      return { ...page, enabled: isOnScreen || client.getQueryData(page.queryKey) === undefined };
    }),
  });

  // Until a page that has moved is loaded, the one that was in its place stays.
  const shown = useRef<readonly ListPage<T>[]>([]);
  const loaded = answers.map(({ data }, index) => data ?? shown.current[index]);
  const pages = loaded.filter((page) => page !== undefined);
  useEffect(() => {
    shown.current = pages;
  });

  const isLoading = answers.some(({ data, error }) => data === undefined && !error);
  const hasMore = pages.at(-1)?.nextCursor !== undefined || pages.length < answers.length;
  const empty = pages.length - 1 - pages.findLastIndex(({ items }) => items.length > 0);
  const isPaused = empty >= asked.patience;
  const data = [...new Map(pages.flatMap(({ items }) => items).map((item) => [item.id, item])).values()];
  const wanted = chain.length + 1;
  const readsOn = hasMore && !isLoading && !isPaused && asked.rows.last + ahead >= data.length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `change` is another function each time
  useEffect(() => {
    if (readsOn) change({ pages: wanted });
  }, [readsOn, wanted]);

  return {
    data: pages.length === 0 ? undefined : data,
    error: answers.find(({ error }) => error)?.error,
    hasMore,
    readOn: isPaused && hasMore ? () => change({ patience: asked.patience + patience }) : undefined,
    onScreen: chain.flatMap((page) => (page.isOnScreen ? [page.cursor] : [])),
    show: (first, last) => {
      if (first !== asked.rows.first || last !== asked.rows.last) change({ rows: { first, last } });
    },
  };
};
