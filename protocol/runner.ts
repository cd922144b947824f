/** Runner: a registered worker, and its EC2 instance. */
import * as z from 'zod';
import { instant, listQuery, microUsd, name, tag, tags } from './common.ts';
import { projectId, registrationTokenId, runnerId, sessionId, taskId } from './ids.ts';
import { written } from './text.ts';

/** Former default of 0.1.0, which stored it with each runner; when read, it means today's default. */
const formerDefaultIdleTimeoutMs = 60_000;

/**
 * Time for which a runner stays on without work. Absent: only for the minute that EC2 bills anyway at each
 * start.
 */
export const idleTimeoutMs = z
  .int()
  .min(0)
  .max(86_400_000)
  .optional()
  .overwrite((ms) => (ms === formerDefaultIdleTimeoutMs ? undefined : ms));

export const instanceId = z
  .string()
  .regex(/^i-[0-9a-f]{8,17}$/, 'must be an EC2 instance id such as i-0123456789abcdef0');
export const region = z
  .string()
  .regex(/^[a-z]{2,4}(-[a-z]+)+-\d$/, 'must be an AWS region such as eu-west-1');

/** Name as in cdk.json. */
export const fleetName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be the name of a fleet: small letters, digits and "-"');

const webhookUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).max(2000);

const fields = z.strictObject({
  name,
  tags: tags.default([]),
  maxParallelTasks: z.int().min(0).max(1000).default(1).describe('0 = no limit'),
  active: z.boolean().default(true).describe('An inactive runner takes no task'),
  idleTimeoutMs: idleTimeoutMs.describe(
    'How long the instance stays on without work; 0 = stop at once. Absent, or 60000, the default of 0.1.0: until 60 s after EC2 has it running, which is billed anyway, and after that not at all',
  ),
  instanceId: instanceId.optional().describe('The EC2 instance that is started and stopped for this runner'),
  region: region.optional().describe("The instance's region, when it is not the control plane's"),
  webhookUrl: webhookUrl
    .optional()
    .describe(
      "Where start and finish events go; without it, the stack's own functions start and stop the instance",
    ),
  fleet: fleetName
    .optional()
    .describe('The fleet that an instance is launched from when there is none; for good, from its making on'),
});

const special = { lines: ['name', 'webhookUrl'], names: ['tags.*'] };
export const runnerInput = written(fields, special).meta({ id: 'RunnerInput' });
export type RunnerInput = z.infer<typeof runnerInput>;

/** New runner, or several of a fleet. */
const newFields = fields
  .extend({
    tags: fields.shape.tags.unwrap().optional().describe("Unless given: its fleet's, else none"),
    idleTimeoutMs: idleTimeoutMs.describe("Unless given: its fleet's, else the default"),
    count: z.int().min(1).max(100).default(1).describe('How many; more than one only of a fleet'),
  })
  .superRefine(({ fleet, count, instanceId, region, webhookUrl }, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (fleet === undefined) {
      if (count > 1) refuse('count', 'must be 1 for a runner of no fleet');
      return;
    }
    if (instanceId !== undefined) refuse('instanceId', 'must not be given: the fleet launches the instance');
    if (region !== undefined) refuse('region', 'must not be given: it is that of the fleet');
    if (webhookUrl !== undefined)
      refuse('webhookUrl', 'must not be given: the stack powers the instances of a fleet');
  });
export const newRunnerInput = written(newFields, special).meta({ id: 'NewRunnerInput' });
export type NewRunnerInput = z.infer<typeof newRunnerInput>;

export const runnerStatus = z.enum(['offline', 'stopped', 'starting', 'online', 'draining', 'stopping']);
export type RunnerStatus = z.infer<typeof runnerStatus>;

export const market = z.enum(['spot', 'on-demand']);
export type Market = z.infer<typeof market>;

/** Open session, in which the instance runs and costs money. */
export const openSession = z.object({
  id: sessionId,
  startedAt: instant,
  runningAt: instant
    .optional()
    .describe('From when on EC2 bills it; absent until the event that tells it has come'),
});
export type OpenSession = z.infer<typeof openSession>;

/** Fault of a runner, in words that its owner can act on. */
export const runnerFault = z.object({ code: z.string(), detail: z.string(), at: instant });

/** Lack of room in the working folder of a runner's agent. */
export const diskShortage = z.strictObject({
  freeMiB: z.int().min(0),
  neededMiB: z.int().min(0).describe('The runner takes tasks again when so much is free'),
});
export type DiskShortage = z.infer<typeof diskShortage>;

/** Shortage as the control plane stores it. */
export const lowDisk = diskShortage.extend({
  at: instant,
  atStart: z
    .boolean()
    .describe('It was so when the agent came online, so that starting the runner once more would not help'),
});
export type LowDisk = z.infer<typeof lowDisk>;

export const runner = fields
  .strip()
  .extend({
    id: runnerId,
    tags: z.array(tag).default([]),
    projectId: projectId.optional().describe('Absent on a global runner'),
    status: runnerStatus,
    statusSince: instant,
    slots: z.array(taskId).describe('The tasks that it holds'),
    assigned: z.array(taskId).describe('The waiting tasks that it has a free slot for'),
    drainRequestedAt: instant
      .optional()
      .describe(
        'Since when it is asked to drain: by a person, or because EC2 wants its instance back. It lasts until the runner is resumed, its agent starts again or its instance stops',
      ),
    drainAnnouncedAt: instant
      .optional()
      .describe('Since when its agent says that it is shutting down; until the agent starts again'),
    lowDisk: lowDisk
      .optional()
      .describe(
        'It takes no task until its working folder has room; resuming it lifts this until it is told again',
      ),
    queuesFrom: instant
      .optional()
      .describe(
        'A queue of its tags was removed a moment ago, and SQS refuses the name until then; the queue is made within a minute after it',
      ),
    wokenAt: instant
      .optional()
      .describe('When somebody woke it by hand; it is to come up without a task, until its agent is online'),
    idleSince: instant.optional().describe('Since when it is online and without a task'),
    publicKey: z.string().describe('X25519, SPKI in PEM'),
    instanceType: z.string().optional(),
    market: market
      .optional()
      .describe(
        'How its instance was bought, if its fleet launched it; on-demand in a fleet of spot: there was no spot capacity',
      ),
    enrolledAt: instant
      .optional()
      .describe('Since when the agent of an instance that its fleet launched has a key of its own'),
    agentVersion: z.string().optional(),
    tasksShareUser: z
      .boolean()
      .optional()
      .describe(
        'Tasks run as the user of its agent, and so can read its key; absent when they do not, or no agent said so',
      ),
    heartbeatAt: instant.optional(),
    leaseUntil: instant.optional().describe('Until when its tasks are safe without another heartbeat'),
    session: openSession.optional(),
    lastSessionEndedAt: instant.optional(),
    fault: runnerFault.optional(),
    failedStarts: z.int().optional().describe('How many starts in a row came to nothing'),
    quarantinedAt: instant
      .optional()
      .describe(
        'Since when it is not started any more, for the reason in `fault`; saving it as active lifts this',
      ),
    createdAt: instant,
  })
  .meta({ id: 'Runner' });
export type Runner = z.infer<typeof runner>;

/** True when the runner has instances; those of a fleet come and go. */
export const hasInstances = ({ instanceId, fleet }: Pick<Runner, 'instanceId' | 'fleet'>): boolean =>
  instanceId !== undefined || fleet !== undefined;

/** True when the stack itself starts and stops its instance, rather than a webhook's receiver. */
export const isPoweredByStack = (runner: Pick<Runner, 'instanceId' | 'webhookUrl' | 'fleet'>): boolean =>
  hasInstances(runner) && runner.webhookUrl === undefined;

/** True when it should be up: tasks are assigned to it, or a user woke it and its agent is not there yet. */
export const isWanted = ({ assigned, wokenAt }: Pick<Runner, 'assigned' | 'wokenAt'>): boolean =>
  assigned.length > 0 || wokenAt !== undefined;

/** True when it has no slots taken, no assigned task and no wake-up. */
export const isIdle = (runner: Pick<Runner, 'slots' | 'assigned' | 'wokenAt'>): boolean =>
  runner.slots.length === 0 && !isWanted(runner);

/**
 * Returns the drain that keeps new tasks off a runner now, if any. A drain applies to a running agent. On a
 * runner that sleeps, starts or stops an old one has no effect, as its next agent begins without.
 */
export const drainOf = ({
  status,
  drainRequestedAt,
  drainAnnouncedAt,
}: Pick<Runner, 'status' | 'drainRequestedAt' | 'drainAnnouncedAt'>): 'asked' | 'announced' | undefined => {
  if (status !== 'online' && status !== 'draining') return undefined;
  if (drainAnnouncedAt !== undefined) return 'announced';
  return drainRequestedAt === undefined ? undefined : 'asked';
};

/** Maximum period, so that a list of runners reads few items. */
export const longestSpendingMs = 31 * 86_400_000;
export const runnerQuery = listQuery.extend({
  status: runnerStatus.optional(),
  tag: tag.optional(),
  spentSince: instant
    .optional()
    .describe('Tells of each what its instance has cost since then; 31 days ago at most'),
});

export const listedRunner = runner
  .extend({
    spentMicroUsd: microUsd
      .optional()
      .describe('Since `spentSince`; absent where that was not asked, or nobody knows the price'),
  })
  .meta({ id: 'ListedRunner' });
export type ListedRunner = z.infer<typeof listedRunner>;

/** New runner with the secrets that are shown only now. Saved unchanged, it is the agent's config file. */
export const createdRunner = z
  .object({
    apiUrl: z.string(),
    token: z.string(),
    privateKey: z.string().optional().describe('X25519, PKCS #8 in PEM; absent when the runner made its own'),
    webhookSecret: z.string().describe('Verifies the webhooks of this runner (Standard Webhooks, whsec_…)'),
    runner,
  })
  .meta({ id: 'CreatedRunner' });
export type CreatedRunner = z.infer<typeof createdRunner>;

/** New runners of a fleet. They have no secrets to show: each of their instances makes its own key. */
export const createdFleetRunners = z.object({ items: z.array(runner) }).meta({ id: 'CreatedFleetRunners' });
export type CreatedFleetRunners = z.infer<typeof createdFleetRunners>;

/** Fields of a machine that registers itself with a registration token. */
const tokenFields = z.strictObject({
  tags: tags.default([]),
  expiresInMs: z.int().min(60_000).max(604_800_000).default(3_600_000),
  uses: z.int().min(1).max(1000).default(1).describe('How many machines may register with it'),
});
export const registrationTokenInput = written(tokenFields, { names: ['tags.*'] }).meta({
  id: 'RegistrationTokenInput',
});
export type RegistrationTokenInput = z.infer<typeof registrationTokenInput>;

/** Public part of a registration token. */
export const registrationTokenRecord = z
  .object({
    id: registrationTokenId,
    tags: z.array(tag),
    usesLeft: z.int(),
    createdAt: instant,
    expiresAt: instant,
  })
  .meta({ id: 'RegistrationTokenRecord' });
export type RegistrationTokenRecord = z.infer<typeof registrationTokenRecord>;

export const registrationToken = registrationTokenRecord
  .extend({
    token: z.string().describe('Good for as many registrations as it has uses'),
  })
  .meta({ id: 'RegistrationToken' });

/** Options of a token rotation. */
export const rotationInput = z
  .strictObject({
    graceMs: z
      .int()
      .min(0)
      .max(86_400_000)
      .default(0)
      .describe(
        'How long the token before stays good, for a change without a gap; 0 revokes it and its sessions at once',
      ),
  })
  .meta({ id: 'RotationInput' });
export const rotatedToken = z
  .object({ token: z.string().describe('Shown only now') })
  .meta({ id: 'RotatedToken' });

const registering = z.strictObject({
  name,
  publicKey: z.string().startsWith('-----BEGIN PUBLIC KEY-----').max(500),
  maxParallelTasks: fields.shape.maxParallelTasks,
  idleTimeoutMs: fields.shape.idleTimeoutMs,
  instanceId: instanceId.optional(),
  region: region.optional(),
});
export const registerRequest = written(registering, { lines: ['name'] });
export type RegisterRequest = z.infer<typeof registerRequest>;
