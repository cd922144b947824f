/** Answers with a page of a list: at most 1 MB of JSON, whatever the items hold. */
import type { StoredPage } from '../adapters/pages.ts';
import type { Pool } from '../adapters/table.ts';
import { toCursor } from './cursor.ts';

/** Far under the 6 MB that a function of Lambda may answer (AWS: Lambda quotas). */
const mostBytes = 1_000_000;

/** Returns how many of the items fit into an answer: at least one, so that a client makes headway. */
const fitting = (items: readonly unknown[]): number => {
  let bytes = 0;
  const first = items.findIndex((item) => {
    bytes += Buffer.byteLength(JSON.stringify(item)) + 1;
    return bytes > mostBytes;
  });
  return first === -1 ? items.length : Math.max(1, first);
};

/** Makes the body of the answer. Sort keys of the listed items are their ids. */
export const pageOf = <T extends { readonly id: string }>(pool: Pool, { items, next }: StoredPage<T>) => {
  const shown = items.slice(0, fitting(items));
  const last = shown.at(-1);
  const rest = last && shown.length < items.length ? { pk: pool, sk: last.id } : next;
  return { items: shown, nextCursor: rest && toCursor(rest) };
};
