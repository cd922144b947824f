/** Errors on the wire: RFC 9457 problem details, with a stable `code` that a program can act on. */
import * as z from 'zod';

export const problemMediaType = 'application/problem+json';

export const problem = z
  .object({
    type: z.string().describe('A URN that names the kind of problem'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('What is wrong and what to do'),
    code: z.string().describe('Stable, for programs'),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .describe('One row for each field that is wrong'),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof problem>;
