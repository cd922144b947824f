/** Environment of the functions: each reads at its top exactly the variables that it uses. */
import { inflateRawSync } from 'node:zlib';
import * as z from 'zod';
import { isAllowance } from './adapters/address-guard.ts';
import { fleetsText } from './core/fleets/fleets.ts';

const notEmpty = z.string().min(1);

/** JSON, deflated, in base64: the whole environment may have 4 KB (AWS: Lambda quotas). */
const packed = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(inflateRawSync(Buffer.from(text, 'base64')).toString());
  } catch {
    context.addIssue({ code: 'custom', message: 'must be deflated JSON in base64' });
    return z.NEVER;
  }
});

/** Every variable of the functions; each takes its own by `variables.pick({ … })`. */
export const variables = z.object({
  TABLE_NAME: notEmpty.describe('The DynamoDB table that holds everything'),
  API_URL: z
    .url({ protocol: /^https?$/ })
    .refine((url) => !url.endsWith('/'), { error: 'must not end with a slash' })
    .describe('Where agents and webhooks reach the API, without a slash at the end'),
  CONSOLE_URL: z
    .url({ protocol: /^https?$/ })
    .refine((url) => !url.endsWith('/'), { error: 'must not end with a slash' })
    .describe(
      "Where people find the console, and the API at the same origin; without a console, the API's own. No slash at the end",
    ),
  EDGE_KEY_HASH: notEmpty
    .optional()
    .describe(
      'SHA-256 of the key by which the API knows that a request came by CloudFront; not set where there is none',
    ),
  STACK_NAME: notEmpty.describe("The stack's name, which its instances carry as the tag reveille:stack"),
  RUNNER_FLEETS: packed
    .pipe(fleetsText)
    .optional()
    .transform((given) => given?.fleets ?? [])
    .describe('The fleets of cdk.json; none when it is not set'),
  QUEUE_URL_PREFIX: notEmpty.describe("A queue of tasks' URL is this and the queue's name"),
  QUEUE_ARN_PREFIX: notEmpty.describe("A queue of tasks' ARN is this and the queue's name"),
  QUEUE_NAME_PREFIX: notEmpty.describe("A queue of tasks' name in SQS is this and the queue's name"),
  SECRETS_KEY_ARN: notEmpty.describe('The KMS key under which the data keys of secrets are wrapped'),
  RUNNER_ROLE_ARN: notEmpty.describe(
    "The role whose credentials an agent gets, narrowed to its runner's queues",
  ),
  RUNNER_POWER_ARN: notEmpty.describe(
    'The function that settles the power of runners which have drained or were woken',
  ),
  INTEGRATION_EVENTS_ARN: notEmpty.describe('The function that works on events of integrations'),
  SCHEDULE_GROUP: notEmpty.describe("The group of the stack's schedules in EventBridge Scheduler"),
  SCHEDULED_START_ARN: notEmpty.describe('The function that schedules start'),
  SCHEDULER_ROLE_ARN: notEmpty.describe('The role with which EventBridge Scheduler starts it'),
  SCHEDULER_DEAD_LETTERS_ARN: notEmpty.describe('The queue for starts that could not be delivered'),
  WEBHOOK_RETRIES_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .describe("How often a delivery is retried; the queue's maxReceiveCount"),
  AUDIT_RETENTION_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .describe('How long events of the audit trail are kept'),
  AWS_REGION: notEmpty.describe("The control plane's region; set by Lambda"),
  AWS_ENDPOINT_URL: z.url().optional().describe("Where AWS is, when it is not at AWS's own endpoints"),
  WEBHOOK_ALLOWED: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((entry) => entry !== ''))
    .refine((entries) => entries.every(isAllowance), {
      error: 'must be ranges such as 10.0.0.0/8, addresses and host names, with commas between them',
    })
    .describe('Where webhooks, and requests to the sign-in provider, may go beside public addresses'),
  WEBHOOK_RETRIES_QUEUE_URL: notEmpty.describe('Where webhook deliveries wait for their next attempt'),
});

/**
 * Parses the variables of `schema` out of `env`; further ones are left alone.
 *
 * @throws Error that names each variable which is missing or wrong, and what it is for
 * @example
 * const config = readConfig(variables.pick({ TABLE_NAME: true }), process.env);
 */
export const readConfig = <T extends z.ZodObject>(
  schema: T,
  env: Readonly<Record<string, string | undefined>>,
): z.infer<T> => {
  const result = schema.safeParse(env);
  if (result.success) return result.data;
  const wrong = result.error.issues.map(({ path: [name], message }) => {
    const variable = String(name);
    const problem = env[variable] === undefined ? 'is not set' : `is wrong: ${message}`;
    return `${variable} ${problem} (${schema.shape[variable]?.description ?? 'no description'})`;
  });
  throw new Error(`The function's environment is not complete. ${wrong.join('; ')}`);
};
