/** Where a page of a listing ends: the id of its last row, opaque, so that nobody builds on its form. */
import type * as z from 'zod';
import type { ProjectId } from '../../protocol/index.ts';
import type { Key } from '../adapters/table.ts';

export const toCursor = (key: Key): string => Buffer.from(key.sk).toString('base64url');

/**
 * The key behind a cursor, within the project that is listed: a cursor carries no partition, so it cannot reach another's.
 * Undefined when it is none of ours. `id` is the schema of the ids that are listed.
 */
export const fromCursor = (projectId: ProjectId, cursor: string, id: z.ZodType<string>): Key | undefined => {
  const text = Buffer.from(cursor, 'base64url').toString();
  const key = { pk: projectId, sk: text };
  return toCursor(key) === cursor && id.safeParse(text).success ? key : undefined;
};
