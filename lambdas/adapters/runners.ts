/** The store of runners. Each change is one conditional write on the runner's item. */
import * as z from 'zod';
import {
  epochMs,
  type Instant,
  instant,
  type LowDisk,
  type OpenSession,
  type ProjectId,
  projectId,
  type Runner,
  type RunnerId,
  type RunnerInput,
  type RunnerStatus,
  runner,
  runnerId,
  type TaskId,
  taskId,
} from '../../protocol/index.ts';
import { isAwake } from '../core/runner-state.ts';
import type { Condition, Update } from './expressions.ts';
import { type Item, keys, type Pool, queryAll, type Table } from './table.ts';

const taskIds = z
  .set(taskId)
  .default(new Set())
  .transform((ids) => [...ids].sort());

/** A runner as it is stored: with what proves a token and signs its webhooks. */
const runnerRecord = runner.extend({
  slots: taskIds,
  demand: taskIds,
  busyMs: z.int().default(0),
  /** When its agent first reported in the open session, or in the one before while none is open. */
  onlineAt: instant.optional(),
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
  /** An instance is being launched for it, or was, by a call that did not come to its end. */
  launch: z.object({ id: z.string(), at: instant }).optional(),
});
export type RunnerRecord = z.infer<typeof runnerRecord>;

export type NewRunner = Omit<RunnerRecord, 'slots' | 'demand' | 'busyMs' | 'claims' | 'served'>;

/** What names a runner, from where it lives and its id. */
export const runnerRef = (pool: Pool, id: RunnerId) => ({
  id,
  ...(pool !== 'global' && { projectId: pool }),
});

export const poolOf = (runner: Pick<Runner, 'projectId'>): Pool => runner.projectId ?? 'global';

/** What the API may show of a runner. */
export const publicRunner = (record: RunnerRecord): Runner => runner.parse(record);

const parse = (item: Item): RunnerRecord => runnerRecord.parse(item);
const parseIf = (item: Item | undefined): RunnerRecord | undefined => item && parse(item);

/** The attributes that keep it in the live index while it is awake. */
const liveness = (record: Pick<Runner, 'id' | 'projectId'>, status: RunnerStatus) =>
  isAwake(status)
    ? { live: 'runner', liveKey: `${poolOf(record)}/${record.id}` }
    : { live: undefined, liveKey: undefined };

const hasRoom: Condition = [
  'any',
  ['=', 'maxParallelTasks', 0],
  ['missing', 'slots'],
  ['sizeBelow', 'slots', 'maxParallelTasks'],
];
const isIdle: readonly Condition[] = [
  ['missing', 'slots'],
  ['missing', 'demand'],
  ['missing', 'launch'],
  ['missing', 'wokenAt'],
];

const noSlots: Condition = ['missing', 'slots'];

type Ref = Pick<Runner, 'id' | 'projectId'>;

/** What is left of a fleet's runner without its instance: nobody can use the token and the key that were that instance's. */
export const withoutInstance = {
  instanceId: undefined,
  market: undefined,
  enrolledAt: undefined,
  agentId: undefined,
  previousToken: undefined,
  lowDisk: undefined,
  drainRequestedAt: undefined,
  publicKey: '',
  tokenHash: '',
} as const satisfies Partial<RunnerRecord>;

/** An instance that a fleet launched for a runner. */
export interface LaunchedInstance extends Pick<RunnerRecord, 'instanceType' | 'market'> {
  readonly instanceId: string;
  readonly region: string;
}

export interface MoveOptions {
  /** Only while nothing holds it or counts on it, and nobody has just woken it. */
  readonly idle?: boolean;
  readonly set?: Partial<RunnerRecord>;
  /** Only if it holds nothing, and has not renewed its lease, which ended then. */
  readonly silentSince?: Instant | undefined;
  /** Only if its status has not changed since then. */
  readonly statusSince?: Instant;
}

/** What an agent tells of itself in a heartbeat. */
export interface Beat {
  readonly agentVersion: string;
  readonly agentId?: string | undefined;
  readonly credentialVersion?: number | undefined;
  readonly draining?: boolean | undefined;
  readonly leaving?: boolean | undefined;
}

/** That the runner's agent is this one. Without an id nothing is asked. */
const isAgent = (agentId: string | undefined): Condition[] =>
  agentId === undefined ? [] : [['=', 'agentId', agentId]];

/** That the session began with the credentials that are good now. */
const isCurrent = (credentialVersion: number | undefined): Condition =>
  credentialVersion === undefined
    ? ['missing', 'credentialVersion']
    : ['=', 'credentialVersion', credentialVersion];

/** Events about an instance that is gone may come for a while. */
const unboundKeptSeconds = 86_400;

const binding = z.object({ pool: z.string(), runnerId });

export type RunnerStore = ReturnType<typeof runnerStore>;

export const runnerStore = (table: Table) => {
  const keyOf = (ref: Ref) => keys.resource(poolOf(ref), ref.id);

  const change = async (
    ref: Ref,
    update: Update,
    conditions: readonly Condition[],
  ): Promise<RunnerRecord | undefined> =>
    parseIf(
      await table.update(keyOf(ref), { ...update, add: { ...update.add, version: 1 } }, [
        ['exists', 'pk'],
        ...conditions,
      ]),
    );

  /** Binds an instance to one runner only. A binding whose runner is gone, or bound elsewhere, is taken over. */
  const bind = async (instanceId: string, ref: Ref): Promise<boolean> => {
    const item = { ...keys.instance(instanceId), pool: poolOf(ref), runnerId: ref.id };
    if (await table.put(item, [['any', ['missing', 'pk'], ['=', 'runnerId', ref.id]]])) return true;
    const holder = await findByInstance(instanceId);
    if (holder) return false;
    return table.put(item);
  };

  const findByInstance = async (instanceId: string): Promise<RunnerRecord | undefined> => {
    const item = await table.get(keys.instance(instanceId));
    if (!item) return undefined;
    const { pool, runnerId } = binding.parse(item);
    const found = parseIf(await table.get({ pk: pool, sk: runnerId }));
    return found?.instanceId === instanceId ? found : undefined;
  };

  return {
    bind,
    findByInstance,

    /** Forgets whose an instance was that is gone. */
    unbind: async (instanceId: string, now: Instant): Promise<void> => {
      const expiresAt = Math.ceil(epochMs(now) / 1000) + unboundKeptSeconds;
      await table.update(keys.instance(instanceId), { set: { expiresAt } }, [['exists', 'pk']]);
    },

    /** Notes that an instance is about to be launched for it. Refused when that is noted already, or it has one. */
    beginLaunch: (ref: Ref, launch: NonNullable<RunnerRecord['launch']>) =>
      change(ref, { set: { launch } }, [
        ['=', 'status', 'starting'],
        ['missing', 'launch'],
        ['missing', 'instanceId'],
      ]),

    /** That launch brought no instance. */
    endLaunch: (ref: Ref, launch: NonNullable<RunnerRecord['launch']>) =>
      change(ref, { set: { launch: undefined } }, [['partIs', 'launch', 'id', launch.id]]),

    /** That launch brought this one. Refused when the launch is over. */
    takeInstance: (ref: Ref, launch: NonNullable<RunnerRecord['launch']>, launched: LaunchedInstance) =>
      change(ref, { set: { ...launched, launch: undefined, fault: undefined } }, [
        ['partIs', 'launch', 'id', launch.id],
        ['missing', 'instanceId'],
      ]),

    /**
     * The agent of its instance has a key and a token of its own; what was given before is good for nothing. Refused while the lease of
     * an agent goes on, or when it has another instance.
     */
    enroll: (
      ref: Ref,
      instanceId: string,
      given: Pick<RunnerRecord, 'publicKey' | 'tokenHash'>,
      now: Instant,
    ) =>
      change(
        ref,
        {
          set: { ...given, enrolledAt: now },
          add: { credentialVersion: 1 },
          unset: ['previousToken', 'agentId'],
        },
        [
          ['=', 'instanceId', instanceId],
          ['any', ['missing', 'agentId'], ['missing', 'leaseUntil'], ['<', 'leaseUntil', now]],
        ],
      ),

    create: (record: NewRunner): Promise<boolean> =>
      table.put({ ...keyOf(record), ...record, ...liveness(record, record.status) }, [['missing', 'pk']]),

    get: async (pool: Pool, id: string): Promise<RunnerRecord | undefined> =>
      parseIf(await table.get(keys.resource(pool, id))),

    /** By id alone: a runner of this project, or a global one. */
    find: async (projectId: ProjectId, id: string): Promise<RunnerRecord | undefined> =>
      parseIf((await table.batchGet([keys.resource(projectId, id), keys.resource('global', id)]))[0]),

    list: async (pool: Pool): Promise<RunnerRecord[]> =>
      (await queryAll(table, { pk: pool, prefix: 'run_' })).map(parse),

    /** The keys of the runners whose instance may be on. */
    listAwake: async (): Promise<RunnerRecord[]> => {
      const found = [];
      for await (const key of table.queryLive('runner')) found.push(key);
      return (await table.batchGet(found)).map(parse);
    },

    /** Replaces what its owner may set. */
    configure: (ref: Ref, input: RunnerInput): Promise<RunnerRecord | undefined> => {
      const { instanceId, region, webhookUrl, fleet, ...rest } = input;
      const lifted = input.active ? ['quarantinedAt', 'failedStarts', 'fault'] : [];
      // The instance of a fleet's runner comes and goes with its launches.
      const machine = fleet === undefined ? { instanceId, region, webhookUrl } : {};
      return change(ref, { set: { ...rest, ...machine }, unset: lifted }, []);
    },

    /** Removes it, unless it holds tasks or its instance is on. */
    remove: (ref: Ref): Promise<boolean> =>
      table.remove(keyOf(ref), [...isIdle, ['in', 'status', ['stopped', 'offline']]]),

    /** Makes a waiting task count on it. Refused when its status is no longer `from`, or it was made inactive. */
    raiseDemand: (ref: Ref, taskId: TaskId, from: RunnerStatus, to: RunnerStatus, now: Instant) =>
      change(
        ref,
        {
          add: { demand: new Set([taskId]) },
          ...(from !== to && { set: { status: to, statusSince: now, ...liveness(ref, to) } }),
        },
        [
          ['=', 'status', from],
          ['=', 'active', true],
          ['missing', 'quarantinedAt'],
        ],
      ),

    /** Somebody wakes it by hand. Refused when its status is no longer `from`, or it may not be started. */
    wake: (ref: Ref, from: RunnerStatus, to: RunnerStatus, now: Instant) =>
      change(
        ref,
        {
          set: {
            ...(to === 'online' ? { idleSince: now } : { wokenAt: now }),
            ...(from !== to && { status: to, statusSince: now, ...liveness(ref, to) }),
          },
        },
        [
          ['=', 'status', from],
          ['=', 'active', true],
          ['missing', 'quarantinedAt'],
        ],
      ),

    /** The task no longer counts on it. */
    dropDemand: (ref: Ref, taskId: TaskId) => change(ref, { take: { demand: new Set([taskId]) } }, []),

    /** Gives the task one of its slots; `served` notes whose turn it was. Refused unless it is online, active, and has a free one (or it is the task's already). */
    takeSlot: (
      ref: Ref,
      taskId: TaskId,
      leaseUntil: Instant,
      { agentId, credentialVersion }: Pick<Beat, 'agentId' | 'credentialVersion'> = {},
      served?: readonly ProjectId[],
    ) =>
      change(
        ref,
        {
          add: { slots: new Set([taskId]), claims: 1 },
          take: { demand: new Set([taskId]) },
          set: { leaseUntil, ...(served && { served }) },
        },
        [
          ['=', 'status', 'online'],
          ['=', 'active', true],
          ['missing', 'drainRequestedAt'],
          ['missing', 'lowDisk'],
          ...isAgent(agentId),
          isCurrent(credentialVersion),
          ['any', ['contains', 'slots', taskId], hasRoom],
        ],
      ),

    /** Gives back a slot that was taken for a task which turned out to be nobody's: as if it had not been taken. */
    returnSlot: (ref: Ref, taskId: TaskId) => change(ref, { take: { slots: new Set([taskId]) } }, []),

    /** Frees a task's slot. Refused when it holds none, so that the time is counted once. */
    releaseSlot: (ref: Ref, taskId: TaskId, now: Instant, busyMs: number) =>
      change(ref, { take: { slots: new Set([taskId]) }, add: { busyMs }, set: { idleSince: now } }, [
        ['contains', 'slots', taskId],
      ]),

    /** Takes a task from a runner that no longer renews its lease. Refused when it has renewed since `leaseUntil`. */
    revokeSlot: (ref: Ref, taskId: TaskId, now: Instant, leaseUntil: Instant | undefined) =>
      change(ref, { take: { slots: new Set([taskId]) }, set: { idleSince: now } }, [
        ['contains', 'slots', taskId],
        leaseUntil === undefined ? ['missing', 'leaseUntil'] : ['=', 'leaseUntil', leaseUntil],
      ]),

    /**
     * Makes an agent the runner's own. Refused while the lease of another goes on, or when its
     * credentials were revoked since it was read. With `isStart` a drain that was asked of the
     * agent before is over.
     */
    enlist: (
      runner: Ref & Pick<RunnerRecord, 'credentialVersion'>,
      agentId: string,
      isStart: boolean,
      now: Instant,
    ) =>
      change(runner, { set: { agentId, ...(isStart && { drainRequestedAt: undefined }) } }, [
        isCurrent(runner.credentialVersion),
        [
          'any',
          ['missing', 'agentId'],
          ['=', 'agentId', agentId],
          ['missing', 'leaseUntil'],
          ['<', 'leaseUntil', now],
        ],
      ]),

    /** Renews the lease of all that it holds. Refused when another agent has taken this one's place, or its credentials were revoked. */
    heartbeat: (
      ref: Ref,
      now: Instant,
      leaseUntil: Instant,
      { agentVersion, agentId, credentialVersion, draining = false, leaving = false }: Beat,
    ) =>
      change(
        ref,
        {
          set: {
            heartbeatAt: now,
            leaseUntil,
            agentVersion,
            ...(draining && { drainRequestedAt: now }),
            ...(leaving && { agentId: undefined }),
          },
        },
        [...isAgent(agentId), isCurrent(credentialVersion)],
      ),

    /** A new token beside the one before, which stays good until then; sessions go on. */
    rotateToken: (runner: RunnerRecord, tokenHash: string, validUntil: Instant) =>
      change(runner, { set: { tokenHash, previousToken: { hash: runner.tokenHash, validUntil } } }, [
        ['=', 'tokenHash', runner.tokenHash],
      ]),

    /**
     * A new token in place of any before, whose sessions end with it: the next agent to ask may have the runner. The instance that a
     * fleet launched cannot learn it, and is replaced.
     */
    revokeToken: (ref: Ref, tokenHash: string) =>
      change(
        ref,
        {
          set: { tokenHash },
          add: { credentialVersion: 1 },
          unset: ['previousToken', 'agentId', 'enrolledAt'],
        },
        [],
      ),

    /** Its disk is low, or undefined: it has room. */
    setLowDisk: (ref: Ref, lowDisk: LowDisk | undefined) => change(ref, { set: { lowDisk } }, []),

    /** Asks it to take no task any more; refused while it is asleep. Undefined `at`: it may again. */
    requestDrain: (ref: Ref, at: Instant | undefined) =>
      change(
        ref,
        { set: { drainRequestedAt: at, ...(at === undefined && { lowDisk: undefined }) } },
        at === undefined ? [] : [['in', 'status', ['starting', 'online', 'draining']]],
      ),

    /** Changes its status, if it is one of `from` still; with `idle`, also only while nothing holds or counts on it. */
    move: (
      ref: Ref,
      from: readonly RunnerStatus[],
      to: RunnerStatus,
      now: Instant,
      { idle = false, set = {}, silentSince, statusSince }: MoveOptions = {},
    ) =>
      change(ref, { set: { status: to, statusSince: now, ...liveness(ref, to), ...set } }, [
        ['in', 'status', from],
        ...(idle ? isIdle : []),
        ...(silentSince === undefined ? [] : [['=', 'leaseUntil', silentSince] as const, noSlots]),
        ...(statusSince === undefined ? [] : [['=', 'statusSince', statusSince] as const]),
      ]),

    /** It went silent or away: what counts on it has to be placed anew. */
    leave: (ref: Ref, from: readonly RunnerStatus[], to: 'offline' | 'stopped', now: Instant) =>
      change(
        ref,
        { set: { status: to, statusSince: now, ...liveness(ref, to) }, unset: ['demand', 'wokenAt'] },
        [['in', 'status', from]],
      ),

    /**
     * A start came to nothing; `to` is what the runner does about it. A next start counts from now. Refused when the runner has
     * moved on since it was read.
     */
    failStart: (
      runner: RunnerRecord,
      fault: NonNullable<Runner['fault']>,
      failedStarts: number,
      isQuarantined: boolean,
      to: RunnerStatus = runner.status,
    ) =>
      change(
        runner,
        {
          set: {
            fault,
            failedStarts,
            status: to,
            statusSince: fault.at,
            ...liveness(runner, to),
            ...(isQuarantined && { quarantinedAt: fault.at, wokenAt: undefined }),
          },
        },
        [
          ['=', 'status', runner.status],
          ['=', 'statusSince', runner.statusSince],
        ],
      ),

    /** The instance runs: money flows from here on. Refused when a session is open, or has ended since the runner was read. */
    openSession: (
      ref: Ref & Pick<RunnerRecord, 'lastSessionEndedAt'>,
      session: OpenSession,
      instanceType: string | undefined,
    ) =>
      change(ref, { set: { session, ...(instanceType && { instanceType }), busyMs: 0 } }, [
        ['missing', 'session'],
        ref.lastSessionEndedAt === undefined
          ? ['missing', 'lastSessionEndedAt']
          : ['=', 'lastSessionEndedAt', ref.lastSessionEndedAt],
      ]),

    /** The instance stopped: that session is over. Refused when it is not the open one. */
    closeSession: (ref: Ref, session: OpenSession, endedAt: Instant) =>
      change(ref, { set: { session: undefined, lastSessionEndedAt: endedAt } }, [
        ['partIs', 'session', 'id', session.id],
      ]),

    /** Says what is wrong with it, or that it is well again. */
    setFault: (ref: Ref, fault: Runner['fault']) => change(ref, { set: { fault } }, []),
  };
};
