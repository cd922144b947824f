/** Runner as stored, and code that its stores share. */
import * as z from 'zod';
import {
  type Instant,
  instant,
  projectId,
  type Runner,
  type RunnerId,
  type RunnerStatus,
  runner,
  runnerId,
  type Task,
  taskId,
} from '../../../protocol/index.ts';
import { isAwake } from '../../core/runners/runner-state.ts';
import type { Condition, Update } from '../expressions.ts';
import type { Pool } from '../table.ts';

const taskIds = z
  .set(taskId)
  .default(new Set())
  .transform((ids) => [...ids].sort());

/** A task, as its runner names it. */
export type TaskRef = Pick<Task, 'projectId' | 'id'>;

/** Member of the set `places` for a task. */
export const placeOf = ({ projectId, id }: TaskRef): string => `${projectId}/${id}`;

const taskIn = (place: string): TaskRef => {
  const [project, id] = place.split('/');
  return { projectId: projectId.parse(project), id: taskId.parse(id) };
};

/** Runner as stored, with its token hashes and its webhook key. */
export const runnerRecord = runner.extend({
  slots: taskIds,
  assigned: taskIds,
  /**
   * All tasks with a place: those in `slots` and in `assigned`, with their projects. DynamoDB cannot add the
   * sizes of two sets in a condition, so the union is stored too. Empty on runners of 0.1.0.
   */
  places: z
    .set(z.templateLiteral([projectId, '/', taskId]))
    .default(new Set())
    .transform((places) => [...places].map(taskIn)),
  busyMs: z.int().default(0),
  /** First report of the agent in the open session, or in the last one while none is open. */
  onlineAt: instant.optional(),
  /** Start of its first session, when its instance type is known. */
  firstStartedAt: instant.optional(),
  /** Start of the last closed session: EC2's time of that launch, unique per launch. */
  lastSessionStartedAt: instant.optional(),
  /** Projects that a global runner has served, the last one last. */
  served: z.array(projectId).default([]),
  /** Grows with each change. */
  version: z.int().default(0),
  /** Number of slots that it was given. */
  claims: z.int().default(0),
  /** Agent whose sessions are valid; absent when the next one to ask may have the runner. */
  agentId: z.string().optional(),
  tokenHash: z.string(),
  /** Instance that enrolled last. */
  provenInstance: z.string().optional(),
  /** X-Amz-Date of the signature by which it did. */
  provenDate: z.string().optional(),
  /** Instance whose agent has worked with what it enrolled for: it cannot enrol again. */
  enlistedInstance: z.string().optional(),
  /** Grows with each revocation, which voids sessions of earlier versions. Absent: never revoked. */
  credentialVersion: z.int().optional(),
  /** Token before the last rotation, while it is valid. */
  previousToken: z.object({ hash: z.string(), validUntil: instant }).optional(),
  webhookSecret: z.string(),
  /** The machine that registered named its instance; unset once an authorised person has saved the runner. */
  instanceNamedBy: z.literal('machine').optional(),
  /** Launch of an instance that is in progress, or was cut short. */
  launch: z.object({ id: z.string(), at: instant }).optional(),
});
export type RunnerRecord = z.infer<typeof runnerRecord>;

/** Reference of a runner, from its pool and its id. */
export const runnerRef = (pool: Pool, id: RunnerId) => ({
  id,
  projectId: pool === 'global' ? undefined : pool,
});

export const poolOf = (runner: Pick<Runner, 'projectId'>): Pool => runner.projectId ?? 'global';

/** Returns the runner as the API may show it. */
export const publicRunner = (record: RunnerRecord): Runner => runner.parse(record);

/** Reference of a runner. */
export type RunnerRef = Pick<Runner, 'id' | 'projectId'>;

/**
 * One conditional write on the runner's item. Returns the new runner; undefined when it is gone or a
 * condition does not hold.
 */
export type ChangeRunner = (
  ref: RunnerRef,
  update: Update,
  conditions: readonly Condition[],
) => Promise<RunnerRecord | undefined>;

/** Launch that `beginLaunch` records and the other calls name. */
export type Launch = NonNullable<RunnerRecord['launch']>;

/** Pool and id, `{pool}/{id}`: in the live index, in the places of fleets, on the tags of instances. */
export const fullIdOf = (ref: RunnerRef): string => `${poolOf(ref)}/${ref.id}`;

/** Parses a full id. Throws when it is none. */
export const runnerIn = (fullId: string): { pool: Pool; id: RunnerId } => {
  const [pool = '', id = ''] = fullId.split('/');
  return { pool: pool === 'global' ? pool : projectId.parse(pool), id: runnerId.parse(id) };
};

/** Attributes that keep a runner in the live index while it is awake. */
export const liveness = (record: RunnerRef, status: RunnerStatus) =>
  isAwake(status) ? { live: 'runner', liveKey: fullIdOf(record) } : { live: undefined, liveKey: undefined };

const noDrain = { drainRequestedAt: undefined, drainAnnouncedAt: undefined } as const;

/** Update for a change of status. A stop or start of the machine ends the drain of its agent. */
export const statusChange = (ref: RunnerRef, status: RunnerStatus, since: Instant) => ({
  status,
  statusSince: since,
  ...liveness(ref, status),
  ...((status === 'stopped' || status === 'starting') && noDrain),
});

/** Update of a fleet's runner without its instance: the token and the key of that instance are void. */
export const withoutInstance = {
  instanceId: undefined,
  market: undefined,
  enrolledAt: undefined,
  agentId: undefined,
  previousToken: undefined,
  lowDisk: undefined,
  ...noDrain,
  publicKey: '',
  tokenHash: '',
} as const satisfies Partial<RunnerRecord>;
