/** Audit trail: record of each change, sign-in and use of secrets. */
import * as z from 'zod';
import { instant, pageQuery } from './common.ts';
import { auditEventId } from './ids.ts';

/** Object of an API path. */
export interface AuditTarget {
  /** Kind as in paths: `templates`. */
  readonly kind: string;
  readonly id: string | undefined;
  /** Path without the common beginning of the project's paths. */
  readonly path: string;
}

export const readTarget = (target: string): AuditTarget => {
  const path = target.replace(/^\/api\//, '').replace(/^projects\/[^/]+\/(?=.)/, '');
  const [kind = '', id] = path.split('/');
  return { kind, id, path };
};

const auditObject = z.object({
  kind: z.string().describe('As in paths, such as `templates`'),
  id: z.string().optional().describe('Absent for the sign-in provider, of which there is one'),
  name: z
    .string()
    .optional()
    .describe("Its name after the change; a task's is its template's, an invitation's is its address"),
});
export type AuditObject = z.infer<typeof auditObject>;

const auditChange = z.object({
  field: z.string().describe('Such as `ansible.limit`'),
  from: z.string().optional().describe('Absent: it was not set'),
  to: z.string().optional().describe('Absent: it is not set'),
  isSecret: z.literal(true).optional().describe('A secret was sent. Its value is recorded nowhere'),
});
export type AuditChange = z.infer<typeof auditChange>;

/** Change, sign-in, or use of secrets. Events of version 0.1.0 have neither object nor changes. */
export const auditEvent = z
  .object({
    id: auditEventId,
    at: instant,
    actor: z.object({ id: z.string(), name: z.string() }),
    operation: z
      .string()
      .describe(
        'An operation of this API, `useSecrets`, a refusal (such as `loginRefused` or `lockOut`), or what an operator of the AWS account had a function do',
      ),
    target: z.string().describe('The path of what was changed, or what used the secrets'),
    object: auditObject.optional().describe('What was changed, by its name at that time'),
    changes: z
      .array(auditChange)
      .optional()
      .describe('What a PUT changed: at most 50 fields and 8 KB, texts cut at 200 characters'),
    moreChanges: z.int().optional().describe('How many more fields changed than `changes` has room for'),
    secrets: z.array(z.string()).optional().describe('The keys and environments whose secrets were used'),
    source: z.string().optional().describe('The address that the request came from'),
    requestId: z.string().optional(),
  })
  .meta({ id: 'AuditEvent' });
export type AuditEvent = z.infer<typeof auditEvent>;

const part = z.string().trim().min(1).max(200).optional();
const filters = {
  actor: part.describe('The id of who did it, or a part of their name in any case'),
  kind: z
    .string()
    .regex(/^[a-z-]{1,40}$/, 'must be a kind as in paths, such as templates')
    .optional()
    .describe('The kind of what was changed, as in paths: `templates`'),
  object: part.describe('The id of what was changed, or a part of its name in any case'),
  from: instant.optional().describe('Recorded then or later'),
  to: instant.optional().describe('Recorded then or before'),
};
export const auditQuery = pageQuery.extend(filters);
export type AuditQuery = z.infer<typeof auditQuery>;

export const auditExportQuery = auditQuery.omit({ limit: true }).extend({
  format: z.enum(['csv', 'jsonl']).describe('Comma-separated values, or a JSON object in each line'),
});
