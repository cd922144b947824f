/** Field schemas that several resources share. */
import * as z from 'zod';

/** Moment as ISO 8601 in UTC with milliseconds, so that moments compare as strings. */
export const instant = z.iso.datetime({ precision: 3 });
export type Instant = string;

/** Absent on items that version 0.1.0 saved last. */
export const editedBy = z
  .string()
  .optional()
  .describe('Id of the person who saved it last, also where they used a token');

export const name = z.string().trim().min(1).max(120);
export const description = z.string().trim().max(2000);

/** Routes a task to runners. Short enough to be part of an SQS queue's name (80 characters in all). */
export const tag = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/,
    'must be 1 to 32 letters, digits, "-" or "_", and start with a letter or a digit',
  )
  // The name of a runner's own queue has the runner's id in place of a tag.
  .refine((text) => !text.startsWith('run_'), { error: 'must not start with "run_", as ids of runners do' });

/**
 * Maximum of tags. A session policy names a queue per tag and may have 2,048 characters
 * (lambdas/adapters/runners/runner-credentials.ts). This number of the longest tags fits under the longest
 * prefix in any partition.
 */
const mostTags = 16;

/** Tags of a runner. */
export const tags = z.array(tag).max(mostTags, `must be at most ${mostTags}`);

/** Lines of known_hosts (sshd(8)). */
export const knownHosts = z
  .string()
  .min(1)
  .max(65_536)
  .describe('In the form of known_hosts: no other host key is accepted. Without them the first one seen is');

/** Money: whole millionths of a US dollar. */
export const microUsd = z.int();

/**
 * Smallest number above 0 in DynamoDB; its client also rejects numbers beyond JavaScript's exact range (AWS:
 * data types).
 */
const smallestNumber = 1e-130;

/** Any number that DynamoDB stores unchanged. A type with its own bounds does not need this one. */
export const anyNumber = z
  .number()
  .min(Number.MIN_SAFE_INTEGER)
  .max(Number.MAX_SAFE_INTEGER)
  .refine((value) => value === 0 || Math.abs(value) >= smallestNumber, {
    error: `must be 0 or at least ${smallestNumber} away from it`,
  });

/** Path inside a repository: relative, and never out of it. */
export const repositoryPath = z
  .string()
  .min(1)
  .max(500)
  .refine((path) => !path.startsWith('/') && !path.split('/').includes('..'), {
    error: 'must be a relative path inside the repository',
  });

/** Page of a list: at most `limit` rows, from `cursor` (opaque, from the previous page). */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z.string().max(1000).optional(),
});

/** Text to search for in a list. */
export const searchText = z.string().trim().min(1).max(200);

/** Query of a list of what people made. Without a `limit`, a page has as many rows as fit into 1 MB. */
export const listQuery = pageQuery.extend({
  limit: pageQuery.shape.limit.unwrap().optional().describe('Without it: as many as fit into 1 MB'),
  search: searchText.optional().describe('Text in the id, name, description, tag, path or URL, in any case'),
});
export type ListQuery = z.infer<typeof listQuery>;

export const page = /* @__NO_SIDE_EFFECTS__ */ <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().optional() });
