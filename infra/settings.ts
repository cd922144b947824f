/** Settings of a deployment: CDK context, by `-c name=value` or under "context" in cdk.json. */
import type { Node } from 'constructs';
import * as z from 'zod';

/**
 * Maximum length of the prefix. A task queue's name has at most 80 characters (AWS: SQS quotas): 30 for a
 * project's id, 32 for a tag, and one for the "-" between them.
 */
const longestPrefix = 17;

/** A boolean, which `-c` passes as text. */
const flag = z.union([z.boolean(), z.stringbool()]);

/**
 * Form of host names that the functions accept (lambdas/adapters/address-guard.ts); with others they would
 * fail at their start.
 */
const hostName = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i;
const notAllowable = 'no range such as 10.0.0.0/8, no address and no host name';

const settings = z.object({
  stackName: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,99}$/, 'must be letters, digits and "-", and start with a letter')
    .default('Reveille'),
  prefix: z
    .string()
    .max(longestPrefix, `must be at most ${longestPrefix} characters`)
    .regex(
      /^[a-z][a-z0-9-]*-$/,
      'must be small letters, digits and "-", start with a letter and end with "-"',
    )
    .default('reveille-')
    .describe('Begins the names of all task queues; each stack of an account and region needs its own'),
  auditRetentionDays: z.coerce
    .number()
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(3650, 'must be at most 3650')
    .default(365)
    .describe('How long events of the audit trail are kept'),
  keepData: flag
    .default(true)
    .describe('Whether the table, and the key of the secrets in it, outlive the stack'),
  tableName: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{3,255}$/, 'must be the name of a table')
    .optional()
    .describe('A table that is there, restored or kept, in the place of one that the stack makes'),
  secretsKeyArn: z
    .string()
    .regex(
      /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[a-z0-9-]+$/,
      'must be the ARN of a KMS key, arn:aws:kms:…:key/…',
    )
    .optional()
    .describe("The key of that table's secrets, when it is not the stack's own"),
  semaphoreOnly: flag
    .default(false)
    .describe('Deploys only what starts and stops instances for a Semaphore server'),
  console: flag
    .default(true)
    .describe(
      'Without it there is no page for browsers, and nothing of CloudFront: the API and the command line remain',
    ),
  webhookAllowed: z
    .union([z.array(z.string()), z.string().transform((text) => text.split(','))])
    .transform((entries) => entries.map((entry) => entry.trim()).filter((entry) => entry !== ''))
    .pipe(
      z.array(
        z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6(), z.string().regex(hostName)], {
          error: ({ input }) => `has ${JSON.stringify(input)}, which is ${notAllowable}`,
        }),
      ),
    )
    .default([])
    .describe(
      'Ranges such as 10.0.0.0/8, addresses and host names where webhooks, and requests to the sign-in provider, may go beside public ones',
    ),
  runnerInstanceType: z
    .string()
    .regex(/^(a1|[a-z]+\d+g[a-z]*)\.[a-z0-9-]+$/, 'must be an arm64 instance type such as t4g.small')
    .default('t4g.small'),
  runnerVpcId: z
    .string()
    .regex(/^vpc-[0-9a-f]{8,17}$/, 'must be the id of a VPC such as vpc-0123456789abcdef0')
    .optional()
    .describe('Where the security group of runners is made; without it, in the default VPC'),
  alarmEmail: z
    .email('must be an e-mail address')
    .optional()
    .describe('Who is told of alarms; has to be confirmed by the link in the first e-mail'),
  runbookUrl: z
    .url({ protocol: /^https?$/, error: 'must be an address such as https://wiki.example.com/runbook' })
    // It is part of the alarms' descriptions, which take 1,024 characters (AWS: PutMetricAlarm).
    .max(512, 'must be at most 512 characters')
    .optional()
    .describe(
      "Where operators find docs/operating/runbook.md; makes links of what alarms' descriptions name",
    ),
  dashboard: flag
    .default(true)
    .describe('Three dashboards of an account are free, each further one costs 3 USD a month'),
  tracing: flag.default(true).describe('Whether functions send traces to X-Ray: 100,000 a month are free'),
});
export type Settings = z.infer<typeof settings>;

export const settingNames = Object.keys(settings.shape);

/**
 * Reads the settings from CDK's context.
 *
 * @throws Error that names each wrong setting and its required form
 */
export const readSettings = (node: Node): Settings => {
  const given = settingNames.map((name): [string, unknown] => [name, node.tryGetContext(name)]);
  const result = settings.safeParse(Object.fromEntries(given));
  if (result.success) return result.data;
  const wrong = result.error.issues.map(({ path, message }) => `"${path.join('.')}" ${message}`);
  throw new Error(`Correct the context in cdk.json or the -c arguments: ${wrong.join('; ')}`);
};
