/** Cursor of a listing: the id of the page's last row, encoded so that no client relies on its form. */
import type * as z from 'zod';
import type { Key, Pool } from '../adapters/table.ts';

export const toCursor = (key: Key): string => Buffer.from(key.sk).toString('base64url');

/**
 * Returns the key behind a cursor, within the listed pool: a cursor carries no partition, so it cannot reach
 * another project. Undefined for a malformed cursor. `id` is the schema of the listed ids.
 */
export const fromCursor = (pool: Pool, cursor: string, id: z.ZodType<string>): Key | undefined => {
  const text = Buffer.from(cursor, 'base64url').toString();
  const key = { pk: pool, sk: text };
  return toCursor(key) === cursor && id.safeParse(text).success ? key : undefined;
};
