/** Incoming integration: a secret URL that starts a template when a request matches. */
import * as z from 'zod';
import { taskOptions, taskOptionsInput } from './app-options.ts';
import { editedBy, instant, name } from './common.ts';
import { integrationEventId, integrationId, keyId, projectId, taskId, templateId } from './ids.ts';
import { beyondLaunchOptions } from './schedule.ts';
import { priority } from './template.ts';
import { written } from './text.ts';

const headerName = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,100}$/, 'must be the name of a header')
  .toLowerCase();

const pointerFault = (pointer: string): string =>
  pointer.startsWith('/')
    ? `column ${pointer.search(/~(?![01])/) + 1}: "~" must be followed by 0 (for "~") or 1 (for "/")`
    : 'column 1: must be a JSON pointer such as /repository/name';

/** JSON pointer: https://www.rfc-editor.org/rfc/rfc6901 */
const jsonPointer = z
  .string()
  .max(500)
  .regex(/^(\/([^~/]|~[01])*)*$/, { error: ({ input }) => pointerFault(String(input)) });

/** Authentication of the sender, beyond knowing the URL. */
export const integrationAuth = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('url') }).describe('By the secret URL alone'),
  z
    .strictObject({ type: z.literal('github'), keyId })
    .describe('X-Hub-Signature-256, by the secret in a key of the type string'),
  z.strictObject({ type: z.literal('gitlab'), keyId }).describe('X-Gitlab-Token is the secret in the key'),
  z
    .strictObject({ type: z.literal('hmac'), keyId, header: headerName })
    .describe('HMAC-SHA-256 of the body, in hex or base64, with or without "sha256=" before it'),
]);

const source = z.discriminatedUnion('from', [
  z.strictObject({ from: z.literal('header'), header: headerName }),
  z.strictObject({ from: z.literal('body'), pointer: jsonPointer }),
]);
export type IntegrationSource = z.infer<typeof source>;

export const integrationMatcher = z.strictObject({
  source,
  operator: z.enum(['equals', 'not_equals', 'contains', 'starts_with', 'ends_with', 'exists']),
  value: z.string().max(1000).default('').describe('Compared as text; not used by `exists`'),
});
export type IntegrationMatcher = z.infer<typeof integrationMatcher>;

const fields = z.strictObject({
  name,
  templateId,
  active: z.boolean().default(true),
  auth: integrationAuth.default({ type: 'url' }),
  matchers: z.array(integrationMatcher).max(20).default([]).describe('All must hold'),
  variables: z
    .array(z.strictObject({ variable: z.string().min(1).max(200), source }))
    .max(50)
    .default([])
    .describe(
      "What of the request becomes which variable of the template's survey; what isn't there is left out",
    ),
  priority: priority.optional().describe("The template's unless told"),
  ...taskOptions,
});
export const integrationInput = written(fields.extend(taskOptionsInput), {
  lines: ['name', 'ansible.limit', 'repository.branch'],
  names: ['variables.*.variable', 'variables.*.source.header', 'matchers.*.source.header', 'auth.header'],
}).meta({ id: 'IntegrationInput' });
export type IntegrationInput = z.infer<typeof integrationInput>;

export const integration = fields
  .strip()
  .extend({
    id: integrationId,
    projectId,
    editedBy,
    beyondLaunchOptions,
    secretNames: z
      .array(z.string())
      .optional()
      .describe(
        'The variables that were secret in the survey when it was saved: their values stay secret, whatever the survey says later',
      ),
    url: z.string().optional().describe('The secret URL to send to; shown only when it is made'),
    createdAt: instant,
  })
  .meta({ id: 'Integration' });
export type Integration = z.infer<typeof integration>;

export const eventOutcome = z.enum([
  'received',
  'started',
  'duplicate',
  'not_matched',
  'inactive',
  'bad_signature',
  'not_json',
  'refused',
  'failed',
]);
export type EventOutcome = z.infer<typeof eventOutcome>;

const eventResult = z.object({ outcome: eventOutcome, detail: z.string(), taskId: taskId.optional() });
export type EventResult = z.infer<typeof eventResult>;

/**
 * Answer to the sender. `received` is followed by `started`, `refused`, `inactive` or `failed` in the event's
 * record.
 */
export const eventAnswer = eventResult.extend({ id: integrationEventId });
export type EventAnswer = z.infer<typeof eventAnswer>;

/** Received event and its outcome. */
export const integrationEvent = eventAnswer
  .extend({
    at: instant,
    deliveryId: z.string().optional().describe("The sender's own id of it"),
    source: z.string().optional().describe('The address that it came from'),
  })
  .meta({ id: 'IntegrationEvent' });
export type IntegrationEvent = z.infer<typeof integrationEvent>;
