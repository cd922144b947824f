/** Pages of lists: one request of DynamoDB for each, so that a list of any length costs the same. */
import type { Item, Key, Query, Table } from './table.ts';

/** Items of a page, and the key after which the next one begins; none after the last. */
export interface StoredPage<T> {
  readonly items: readonly T[];
  readonly next?: Key;
}

export interface PageAsked<T> {
  /** Maximum items; undefined: as many as one request of DynamoDB reads, which is 1 MB. */
  readonly limit?: number;
  readonly after?: Key;
  /** Leaves out the others. The whole megabyte is then examined, and the page may be empty. */
  readonly matches?: (one: T) => boolean;
}

/** Reads a page of items whose sort keys are their ids; `read` leaves out what is not to be listed. */
export const readPage = async <T extends { readonly id: string }>(
  table: Table,
  range: Pick<Query, 'prefix'> & { readonly pk: string },
  read: (items: readonly Item[]) => readonly T[],
  { limit, after, matches }: PageAsked<T>,
): Promise<StoredPage<T>> => {
  const { items, next } = await table.query({ ...range, after, limit: matches ? undefined : limit });
  const found = matches ? read(items).filter(matches) : read(items);
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown, next: last && shown.length < found.length ? { pk: range.pk, sk: last.id } : next };
};
