/** Store of runners. Each change is one conditional write on the runner's item. */
import type {
  Instant,
  LowDisk,
  ProjectId,
  Runner,
  RunnerInput,
  RunnerStatus,
} from '../../../protocol/index.ts';
import type { Condition } from '../expressions.ts';
import { type PageAsked, readPage, type StoredPage } from '../pages.ts';
import { recordsOf } from '../records.ts';
import { keys, type Pool, queryAll, type Table, unique } from '../table.ts';
import { runnerAgents } from './runner-agents.ts';
import { runnerInstances } from './runner-instances.ts';
import {
  type ChangeRunner,
  liveness,
  placeOf,
  poolOf,
  type RunnerRecord,
  type RunnerRef,
  runnerIn,
  runnerRecord,
  statusChange,
  type TaskRef,
} from './runner-record.ts';
import { runnerSlots } from './runner-slots.ts';

export type NewRunner = Omit<
  RunnerRecord,
  'slots' | 'assigned' | 'places' | 'version' | 'busyMs' | 'claims' | 'served'
>;

const isIdle: readonly Condition[] = [
  ['missing', 'slots'],
  ['missing', 'assigned'],
  ['missing', 'launch'],
  ['missing', 'wokenAt'],
];

const noSlots: Condition = ['missing', 'slots'];

const byName = (a: Pick<Runner, 'name'>, b: Pick<Runner, 'name'>): number => (a.name < b.name ? -1 : 1);

export interface MoveOptions {
  /** Only while it has no slots and no assigned task, and nobody has just woken it. */
  readonly idle?: boolean;
  readonly set?: Partial<RunnerRecord>;
  /** Only if it has no slots and its lease, which ended then, was not renewed. */
  readonly silentSince?: Instant;
  /** Only if its status has not changed since then. */
  readonly statusSince?: Instant;
}

export type RunnerStore = ReturnType<typeof runnerStore>;

export const runnerStore = (table: Table) => {
  const records = recordsOf(table, runnerRecord);
  const keyOf = (ref: RunnerRef) => keys.resource(poolOf(ref), ref.id);

  const change: ChangeRunner = (ref, update, conditions) =>
    records.update(
      keyOf(ref),
      // In 0.1.0 `demand` held all tasks that waited for the runner, and each write pays for its size.
      { ...update, add: { ...update.add, version: 1 }, unset: [...(update.unset ?? []), 'demand'] },
      [['exists', 'pk'], ...conditions],
    );

  return {
    ...runnerInstances(table, records, change),
    ...runnerAgents(change),
    ...runnerSlots(change),

    create: (record: NewRunner): Promise<boolean> =>
      records.put({ ...keyOf(record), ...record, ...liveness(record, record.status) }, [['missing', 'pk']]),

    get: async (pool: Pool, id: string): Promise<RunnerRecord | undefined> =>
      records.readIf(await table.get(keys.resource(pool, id))),

    /** Reads runners by their full ids, in no order; leaves out missing and unreadable ones. */
    getAll: async (fullIds: readonly string[]): Promise<RunnerRecord[]> =>
      records.readAll(
        await table.batchGet(
          fullIds.map((fullId) => {
            const { pool, id } = runnerIn(fullId);
            return keys.resource(pool, id);
          }),
        ),
      ),

    /** Finds a runner by id alone: of this project, or a global one. */
    find: async (projectId: ProjectId, id: string): Promise<RunnerRecord | undefined> =>
      records.readIf((await table.batchGet([keys.resource(projectId, id), keys.resource('global', id)]))[0]),

    /** Finds many runners in the same way, by their ids. */
    findAll: async (
      refs: readonly { readonly projectId: ProjectId; readonly id: string }[],
    ): Promise<Map<string, RunnerRecord | 'unreadable'>> => {
      const wanted = refs.flatMap(({ projectId, id }) => [
        keys.resource(projectId, id),
        keys.resource('global', id),
      ]);
      return records.readMarked(await table.batchGet(unique(wanted)));
    },

    /** Reads a page of a pool's runners, oldest first. */
    page: (pool: Pool, asked: PageAsked<RunnerRecord>): Promise<StoredPage<RunnerRecord>> =>
      readPage(table, { pk: pool, prefix: 'run_' }, records.readAll, asked),

    list: async (pool: Pool): Promise<RunnerRecord[]> =>
      records.readAll(await queryAll(table, { pk: pool, prefix: 'run_' })),

    /** Lists runners whose instance may be on. */
    listAwake: async (): Promise<RunnerRecord[]> => {
      const found = [];
      for await (const key of table.queryLive('runner')) found.push(key);
      return records.readAll(await table.batchGet(found));
    },

    /** Counts the awake runners of a pool, and reads `most` of them. The index lags a moment behind. */
    glanceAt: async (pool: Pool, most: number): Promise<{ count: number; first: RunnerRecord[] }> => {
      const awake = [];
      for await (const key of table.queryLive('runner', `${pool}/`)) awake.push(key);
      return {
        count: awake.length,
        first: records.readAll(await table.batchGet(awake.slice(0, most))).sort(byName),
      };
    },

    /** Replaces the attributes that its owner may set. */
    configure: (ref: RunnerRef, input: RunnerInput): Promise<RunnerRecord | undefined> => {
      const { instanceId, region, webhookUrl, fleet, idleTimeoutMs, ...rest } = input;
      const lifted = input.active ? ['quarantinedAt', 'failedStarts', 'fault'] : [];
      // The instance of a fleet's runner comes and goes with its launches.
      const machine = fleet === undefined ? { instanceId, region, webhookUrl } : {};
      return change(
        ref,
        { set: { ...rest, idleTimeoutMs, ...machine }, unset: [...lifted, 'instanceNamedBy'] },
        [],
      );
    },

    /** Removes it, unless it has tasks or its instance is on. */
    remove: (ref: RunnerRef): Promise<boolean> =>
      table.remove(keyOf(ref), [...isIdle, ['in', 'status', ['stopped', 'offline']]]),

    /** Wakes it for a user. Refused when its status is not `from`, or it may not be started. */
    wake: (ref: RunnerRef, from: RunnerStatus, to: RunnerStatus, now: Instant) =>
      change(
        ref,
        {
          set: {
            ...(to === 'online' ? { idleSince: now } : { wokenAt: now }),
            ...(from !== to && statusChange(ref, to, now)),
          },
        },
        [
          ['=', 'status', from],
          ['=', 'active', true],
          ['missing', 'quarantinedAt'],
        ],
      ),

    /** Records that its disk is low; undefined: it has room. */
    setLowDisk: (ref: RunnerRef, lowDisk: LowDisk | undefined) => change(ref, { set: { lowDisk } }, []),

    /** Requests a drain: no new tasks. Refused while its agent is away. `at` undefined: resumes. */
    requestDrain: (ref: RunnerRef, at: Instant | undefined) =>
      change(
        ref,
        { set: { drainRequestedAt: at, ...(at === undefined && { lowDisk: undefined }) } },
        at === undefined ? [] : [['in', 'status', ['online', 'draining']]],
      ),

    /**
     * Changes its status if it is still one of `from`; with `idle`, only while it has no slot and no assigned
     * task.
     */
    move: (
      ref: RunnerRef,
      from: readonly RunnerStatus[],
      to: RunnerStatus,
      now: Instant,
      { idle = false, set = {}, silentSince, statusSince }: MoveOptions = {},
    ) =>
      change(ref, { set: { ...statusChange(ref, to, now), ...set } }, [
        ['in', 'status', from],
        ...(idle ? isIdle : []),
        ...(silentSince === undefined ? [] : [['=', 'leaseUntil', silentSince] as const, noSlots]),
        ...(statusSince === undefined ? [] : [['=', 'statusSince', statusSince] as const]),
      ]),

    /** Records that it is silent or away. Refused while it has a task. */
    leave: (ref: RunnerRef, from: readonly RunnerStatus[], to: 'offline' | 'stopped', now: Instant) =>
      change(ref, { set: statusChange(ref, to, now), unset: ['wokenAt'] }, [
        ['in', 'status', from],
        noSlots,
        ['missing', 'assigned'],
      ]),

    /** Corrects the places of a runner that has not changed since it was read. */
    setPlaces: (runner: RunnerRecord, places: readonly TaskRef[]) =>
      change(runner, { set: { places: places.length > 0 ? new Set(places.map(placeOf)) : undefined } }, [
        ['=', 'version', runner.version],
      ]),

    /**
     * Records a failed start; `to` is the next status. A further start counts from now. Refused when the
     * status has changed since it was read.
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
            ...statusChange(runner, to, fault.at),
            ...(isQuarantined && { quarantinedAt: fault.at, wokenAt: undefined }),
          },
        },
        [
          ['=', 'status', runner.status],
          ['=', 'statusSince', runner.statusSince],
        ],
      ),

    /** Records from when on its queues can be made; undefined: they exist. */
    awaitQueues: (ref: RunnerRef, queuesFrom: Instant | undefined) =>
      change(ref, { set: { queuesFrom } }, []),

    /** Records its fault, or that it has none. */
    setFault: (ref: RunnerRef, fault: Runner['fault']) => change(ref, { set: { fault } }, []),
  };
};
