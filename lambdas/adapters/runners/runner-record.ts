/** A runner as it is stored, and what its stores share. */
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
  taskId,
} from '../../../protocol/index.ts';
import { isAwake } from '../../core/runners/runner-state.ts';
import type { Condition, Update } from '../expressions.ts';
import type { Pool } from '../table.ts';

const taskIds = z
  .set(taskId)
  .default(new Set())
  .transform((ids) => [...ids].sort());

/** A runner as it is stored: with what proves a token and signs its webhooks. */
export const runnerRecord = runner.extend({
  slots: taskIds,
  demand: taskIds,
  busyMs: z.int().default(0),
  /** When its agent first reported in the open session, or in the one before while none is open. */
  onlineAt: instant.optional(),
  /** Of its first session ever, which is when its instance's type is known. */
  firstStartedAt: instant.optional(),
  /** Of the last session that is over: EC2's own time of that launch, which no other launch has. */
  lastSessionStartedAt: instant.optional(),
  /** Of a global runner: the projects that it has served, the last one last. */
  served: z.array(projectId).default([]),
  /** How often it was given a slot. */
  claims: z.int().default(0),
  /** Of the agent whose sessions are good; absent when the next one to ask may have it. */
  agentId: z.string().optional(),
  tokenHash: z.string(),
  /** Grows with each revocation: a session of an earlier one is good for nothing. Absent: never revoked. */
  credentialVersion: z.int().optional(),
  /** The token before the last rotation, while it is still good. */
  previousToken: z.object({ hash: z.string(), validUntil: instant }).optional(),
  webhookSecret: z.string(),
  /** Who named its instance: the machine that registered, until somebody who may configure it has saved it. */
  instanceNamedBy: z.literal('machine').optional(),
  /** An instance is being launched for it, or was, by a call that did not come to its end. */
  launch: z.object({ id: z.string(), at: instant }).optional(),
});
export type RunnerRecord = z.infer<typeof runnerRecord>;

/** What names a runner, from where it lives and its id. */
export const runnerRef = (pool: Pool, id: RunnerId) => ({
  id,
  ...(pool !== 'global' && { projectId: pool }),
});

export const poolOf = (runner: Pick<Runner, 'projectId'>): Pool => runner.projectId ?? 'global';

/** What the API may show of a runner. */
export const publicRunner = (record: RunnerRecord): Runner => runner.parse(record);

/** Names a runner to a store. */
export type RunnerRef = Pick<Runner, 'id' | 'projectId'>;

/** One conditional write on the runner's item: the runner after it, undefined when it is gone or a condition does not hold. */
export type ChangeRunner = (
  ref: RunnerRef,
  update: Update,
  conditions: readonly Condition[],
) => Promise<RunnerRecord | undefined>;

/** What `beginLaunch` notes, and what ends it names. */
export type Launch = NonNullable<RunnerRecord['launch']>;

/** Where a runner lives and its id, `{pool}/{id}`: in the live index, in the places of fleets, on the tags of instances. */
export const fullIdOf = (ref: RunnerRef): string => `${poolOf(ref)}/${ref.id}`;

/** What a full id names. Throws when it is none. */
export const runnerIn = (fullId: string): { pool: Pool; id: RunnerId } => {
  const [pool = '', id = ''] = fullId.split('/');
  return { pool: pool === 'global' ? pool : projectId.parse(pool), id: runnerId.parse(id) };
};

/** The attributes that keep it in the live index while it is awake. */
export const liveness = (record: RunnerRef, status: RunnerStatus) =>
  isAwake(status) ? { live: 'runner', liveKey: fullIdOf(record) } : { live: undefined, liveKey: undefined };

const noDrain = { drainRequestedAt: undefined, drainAnnouncedAt: undefined } as const;

/** What a change of status writes. With the stop or start of its machine the agent that a drain was about is gone. */
export const statusChange = (ref: RunnerRef, status: RunnerStatus, since: Instant) => ({
  status,
  statusSince: since,
  ...liveness(ref, status),
  ...((status === 'stopped' || status === 'starting') && noDrain),
});

/** What is left of a fleet's runner without its instance: nobody can use the token and the key that were that instance's. */
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
