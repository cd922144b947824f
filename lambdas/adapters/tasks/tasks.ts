/** Store of tasks. Each change of status is one conditional write on the task's item. */
import * as z from 'zod';
import {
  environmentId,
  type Instant,
  inventoryId,
  onRunnerLost,
  type ProjectId,
  projectId,
  type RunnerId,
  repositoryId,
  surveyAnswers,
  type Task,
  type TaskId,
  type TaskQuery,
  task,
  taskId,
  templateId,
  toInstant,
} from '../../../protocol/index.ts';
import { mentions } from '../../core/mentions.ts';
import { byRank, type InLine, inOrder, rankOf } from '../../core/tasks/order.ts';
import { type Loss, taskSources } from '../../core/tasks/task-state.ts';
import type { Condition, Update } from '../expressions.ts';
import { idsBetween } from '../ids.ts';
import { recordsOf } from '../records.ts';
import { type Key, keys, type LiveKey, queryAll, type Table, unique } from '../table.ts';

/** Task as stored, with its queue and the settings of its template that the control plane needs. */
const taskRecord = task.extend({
  queue: z.string(),
  inventoryId: inventoryId.optional(),
  environmentId: environmentId.optional(),
  repositoryId: repositoryId.optional(),
  onRunnerLost,
  maxAttempts: z.int(),
  handBacks: z.int().optional(),
  logChunks: z.int().optional(),
  /** Limits of concurrent tasks, by their owner; absent: no limit. */
  limits: z.array(z.object({ ownerId: z.union([templateId, projectId]), max: z.int() })).optional(),
  /** All of its limits have admitted it, so it may be assigned and claimed. */
  admitted: z.boolean().optional(),
  /** Number of times that it left its limits while waiting; absent: never. */
  limitsLeft: z.int().optional(),
  /** Limit in whose line it waits. */
  limitedBy: z.union([templateId, projectId]).optional(),
  /** Doorbell with which it was claimed, if not its own. */
  claimedBy: taskId.optional(),
  /** A schedule or an integration started it, so no person has reviewed it. */
  isUnattended: z.boolean().optional(),
  /** Stored only until the task ends. */
  surveySecrets: surveyAnswers.optional(),
});
export type TaskRecord = z.infer<typeof taskRecord>;

/** Returns the task as the API may show it. */
export const publicTask = (record: TaskRecord): Task => task.parse(record);

type Ref = Pick<Task, 'projectId' | 'id'>;

/** Holder of one attempt. */
export interface Holder {
  readonly runnerId: RunnerId;
  readonly attempt: number;
}

type Placed = Ref & Pick<TaskRecord, 'priority' | 'limits' | 'admitted'>;

/**
 * Parts of a queue in the live index: tasks ready to start, in order; tasks held back by a limit; tasks of
 * runners.
 */
const parts = { waiting: 'w', limited: 'l', held: 'h' } as const;
const partOf = ({ limits, admitted }: Placed) => (limits && !admitted ? parts.limited : parts.waiting);
const inLine = (ref: Placed, queue: string) => ({
  live: 'task',
  liveKey: `${queue}/${partOf(ref)}/${rankOf(ref)}`,
});
const outOfLine = (ref: Ref, queue: string) => ({
  live: 'task',
  liveKey: `${queue}/${parts.held}/${ref.id}`,
});

/** Parses a key of the index. */
const indexed = ({ pk, sk, liveKey }: LiveKey): InLine => ({
  projectId: projectId.parse(pk),
  id: taskId.parse(sk),
  rank: liveKey.split('/').slice(2).join('/'),
});
/** Update of an ended task: removes it from the index, with the data that only its run needed. */
const ending = { live: undefined, liveKey: undefined, surveySecrets: undefined };

const is = (attribute: 'admitted'): Condition => ['=', attribute, true];
const isNot = (attribute: 'admitted'): Condition => ['missing', attribute];

const heldBy = ({ runnerId, attempt }: Holder): Condition[] => [
  ['=', 'runnerId', runnerId],
  ['=', 'attempt', attempt],
];

/** Sorts before every id. */
const earliest = toInstant(0);
const latest = toInstant(253_402_300_799_999);

/** Maximum tasks read by one call of a filtered list: some 3 MB of tasks of the usual size. */
const lookedThrough = 2000;
const lookedAtOnce = 200;

const isFound = (record: TaskRecord, search: string): boolean => {
  const { id, templateName, message, tag, createdBy, commit } = record;
  return mentions([id, templateName, message, tag, createdBy, commit?.hash, commit?.message], search);
};

/** Maximum keys of the index that a count reads: they fit into one of DynamoDB's pages of 1 MB. */
const mostCounted = 5000;

/** A project's live tasks at a glance. */
export interface Glance {
  /** The first of both kinds, in no order. */
  readonly tasks: readonly TaskRecord[];
  readonly running: number;
  readonly waiting: number;
  /** Not all were counted. */
  readonly isPartial: boolean;
}

export type TaskStore = ReturnType<typeof taskStore>;

export const taskStore = (table: Table) => {
  const records = recordsOf(table, taskRecord);
  const keyOf = (ref: Ref) => keys.resource(ref.projectId, ref.id);

  const change = (ref: Ref, update: Update, conditions: readonly Condition[]) =>
    records.update(keyOf(ref), update, [['exists', 'pk'], ...conditions]);

  const live = async (prefix?: string): Promise<TaskRecord[]> => {
    const found: Key[] = [];
    for await (const key of table.queryLive('task', prefix)) found.push(key);
    return records.readAll(await table.batchGet(found)).sort(inOrder);
  };

  const entries = async (prefix: string, atMost?: number): Promise<LiveKey[]> => {
    const found = [];
    for await (const entry of table.queryLive('task', prefix, atMost)) found.push(entry);
    return found;
  };

  return {
    create: (record: TaskRecord): Promise<boolean> =>
      records.put({ ...keyOf(record), ...record, ...inLine(record, record.queue) }, [['missing', 'pk']]),

    get: async (projectId: ProjectId, id: string): Promise<TaskRecord | undefined> =>
      records.readIf(await table.get(keys.resource(projectId, id))),

    /** Returns the existing tasks, in no order. A task may be named twice. */
    getAll: async (refs: readonly Ref[]): Promise<TaskRecord[]> =>
      records.readAll(await table.batchGet(unique(refs.map(keyOf)))),

    /** Reads tasks by their ids, and marks unreadable ones. */
    lookUp: async (refs: readonly Ref[]): Promise<Map<string, TaskRecord | 'unreadable'>> =>
      records.readMarked(await table.batchGet(unique(refs.map(keyOf)))),

    /** Reads the head of a queue's line, next first. The index lags a moment behind. */
    line: async (queue: string, atMost: number): Promise<InLine[]> =>
      (await entries(`${queue}/${parts.waiting}/`, atMost)).map(indexed),

    /** Counts the running tasks of a queue by project. The index lags a moment behind. */
    heldIn: async (queue: string): Promise<Map<ProjectId, number>> => {
      const held = new Map<ProjectId, number>();
      for (const { projectId } of (await entries(`${queue}/${parts.held}/`)).map(indexed))
        held.set(projectId, (held.get(projectId) ?? 0) + 1);
      return held;
    },

    /** Lists all live tasks in start order. */
    listLive: () => live(),

    /** Lists the live tasks of one project, in all queues. */
    listLiveOf: async (projectId: ProjectId): Promise<TaskRecord[]> =>
      [...(await live(projectId)), ...(await live('global/'))].filter((one) => one.projectId === projectId),

    /**
     * Counts the live tasks of a project. Reads the newest that runners hold and the next that wait, `most`
     * of each. The index has the counts, so that tasks are read only to be shown; it lags a moment behind.
     */
    glanceAt: async (projectId: ProjectId, most: number): Promise<Glance> => {
      const seen = [await entries(projectId, mostCounted), await entries('global/', mostCounted)];
      const mine = seen.flat().filter(({ pk }) => pk === projectId);
      const isHeld = ({ liveKey }: LiveKey) => liveKey.split('/')[1] === parts.held;
      const held = mine
        .filter(isHeld)
        .map(indexed)
        .sort((a, b) => (a.id < b.id ? 1 : -1));
      const waiting = mine
        .filter((key) => !isHeld(key))
        .map(indexed)
        .sort(byRank);
      const shown = [...held.slice(0, most), ...waiting.slice(0, most)];
      return {
        tasks: records.readAll(await table.batchGet(unique(shown.map(keyOf)))),
        running: held.length,
        waiting: waiting.length,
        isPartial: seen.some((found) => found.length === mostCounted),
      };
    },

    /**
     * Lists tasks newest first. With filters it examines a maximum of tasks, so a page may hold fewer than
     * `limit`, or none, and still have a next one.
     */
    list: async (
      projectId: ProjectId,
      query: Omit<TaskQuery, 'cursor'>,
      after?: Key,
    ): Promise<{ items: TaskRecord[]; next?: Key }> => {
      const { status, templateId, runnerId, tag, createdBy, from, to, search, limit } = query;
      const where = Object.entries({ status, templateId, runnerId, tag, createdBy }).flatMap(
        ([attribute, value]): Condition[] => (value === undefined ? [] : [['=', attribute, value]]),
      );
      if (from !== undefined && to !== undefined && from > to) return { items: [] };
      const window = idsBetween('tsk', from ?? earliest, to ?? latest);
      if (after && (after.sk < window.from || after.sk > window.to)) return { items: [] };
      const isFiltered = where.length > 0 || search !== undefined;
      const found: TaskRecord[] = [];
      let reached = after;
      for (let lookedAt = 0; lookedAt < lookedThrough; lookedAt += lookedAtOnce) {
        const { items, next } = await table.query({
          pk: projectId,
          ...window,
          where,
          descending: true,
          limit: isFiltered ? lookedAtOnce : limit,
          after: reached,
        });
        found.push(...records.readAll(items).filter((one) => search === undefined || isFound(one, search)));
        const last = found[limit - 1];
        if (last && (found.length > limit || next))
          return { items: found.slice(0, limit), next: keyOf(last) };
        if (!next) return { items: found };
        reached = next;
        if (!isFiltered) break;
      }
      return { items: found, next: reached };
    },

    /** Lists tasks made in a time window, for the bill. `from` and `to` are ids. */
    listBetween: async (projectId: ProjectId, from: string, to: string): Promise<TaskRecord[]> =>
      records.readAll(await queryAll(table, { pk: projectId, from, to })),

    /**
     * Lists the newest tasks made in a time window, newest first; `isPartial` when there are more than `max`.
     */
    listNewest: async (
      projectId: ProjectId,
      from: Instant,
      to: Instant,
      max: number,
    ): Promise<{ tasks: TaskRecord[]; isPartial: boolean }> => {
      const tasks: TaskRecord[] = [];
      let after: Key | undefined;
      do {
        const page = await table.query({
          pk: projectId,
          ...idsBetween('tsk', from, to),
          descending: true,
          limit: max - tasks.length,
          after,
        });
        tasks.push(...records.readAll(page.items));
        after = page.next;
      } while (after && tasks.length < max);
      return { tasks, isPartial: after !== undefined };
    },

    /**
     * While it waits: sets its queue and its runner. Refused when another call has set one of them since it
     * was read.
     */
    assign: (
      task: Placed & Pick<TaskRecord, 'attempt' | 'queue' | 'runnerId'>,
      queue: string,
      runnerId: RunnerId | undefined,
      now: Instant,
    ) =>
      change(task, { set: { queue, runnerId, assignedAt: runnerId && now, ...inLine(task, queue) } }, [
        ['in', 'status', taskSources('claim')],
        ['=', 'attempt', task.attempt],
        ['=', 'queue', task.queue],
        task.runnerId === undefined ? ['missing', 'runnerId'] : ['=', 'runnerId', task.runnerId],
      ]),

    /**
     * While it waits: sets its limits, and whether they admit it. Not admitted, it has no runner; refused
     * when another call has admitted it since it was read. `leaves` gives up its entry; the caller then
     * removes the entry from the limits.
     */
    limit: (
      task: Placed & Pick<TaskRecord, 'queue' | 'attempt' | 'limitsLeft'>,
      { limits, admitted, limitedBy }: Pick<TaskRecord, 'limits' | 'admitted' | 'limitedBy'>,
      { leaves = false } = {},
    ) =>
      change(
        task,
        {
          set: {
            limits,
            admitted: admitted || undefined,
            limitedBy,
            ...(!admitted && { runnerId: undefined, assignedAt: undefined }),
            ...inLine({ ...task, limits, admitted }, task.queue),
          },
          add: leaves ? { limitsLeft: 1 } : undefined,
        },
        [
          ['in', 'status', taskSources('claim')],
          ['=', 'attempt', task.attempt],
          ['=', 'queue', task.queue],
          task.limitsLeft === undefined ? ['missing', 'limitsLeft'] : ['=', 'limitsLeft', task.limitsLeft],
          ...(admitted ? [] : [task.admitted ? is('admitted') : isNot('admitted')]),
        ],
      ),

    /** While a runner has it: counts in these limits from now on. */
    countIn: (task: Ref & Pick<TaskRecord, 'attempt' | 'status'>, limits: TaskRecord['limits']) =>
      change(task, { set: { limits, admitted: true } }, [
        ['=', 'status', task.status],
        ['=', 'attempt', task.attempt],
      ]),

    /**
     * Claims it for a runner, if it still waits in that queue, which the runner serves. Returns the task as
     * it was.
     */
    claim: (
      ref: Ref,
      by: { runnerId: RunnerId; queue: string; doorbell?: TaskId },
      now: Instant,
    ): Promise<TaskRecord | undefined> =>
      records.update(
        keyOf(ref),
        {
          set: {
            status: 'starting',
            runnerId: by.runnerId,
            claimedAt: now,
            claimedBy: by.doorbell === ref.id ? undefined : by.doorbell,
            reason: undefined,
            ...outOfLine(ref, by.queue),
          },
        },
        [
          ['in', 'status', taskSources('claim')],
          ['=', 'queue', by.queue],
          ['any', ['missing', 'limits'], ['=', 'admitted', true]],
        ],
        'old',
      ),

    /** Records the first output. */
    markRunning: (ref: Ref, holder: Holder, now: Instant) =>
      change(ref, { set: { status: 'running', startedAt: now } }, [
        ['in', 'status', taskSources('output')],
        ...heldBy(holder),
      ]),

    /** Ends it, as its holder reports. */
    finish: (
      ref: Ref,
      holder: Holder,
      result: Pick<Task, 'startedAt' | 'exitCode' | 'reason' | 'commit' | 'hosts'> & {
        status: 'success' | 'error' | 'stopped';
        logChunks: number;
      },
      now: Instant,
    ) =>
      change(ref, { set: { ...result, finishedAt: now, ...ending } }, [
        ['in', 'status', taskSources('finish', result.status)],
        ...heldBy(holder),
      ]),

    /** Ends a waiting task that a user stops. */
    stopWaiting: (ref: Ref, reason: string, now: Instant) =>
      change(ref, { set: { status: 'stopped', reason, finishedAt: now, ...ending } }, [
        ['in', 'status', taskSources('stop', 'stopped')],
      ]),

    /** Requests the stop of a task that a runner has: the runner learns of it later. */
    requestStop: (ref: Ref, reason: string) =>
      change(ref, { set: { status: 'stopping', reason } }, [
        ['in', 'status', taskSources('stop', 'stopping')],
      ]),

    /** Records that its runner has shown the plan and waits for a person's decision. */
    awaitConfirmation: (ref: Ref, holder: Holder, reason: string) =>
      change(ref, { set: { status: 'waiting_confirmation', reason } }, [
        ['in', 'status', taskSources('await_confirmation')],
        ...heldBy(holder),
      ]),

    /** Records the people who must not confirm the present attempt. */
    keepFromConfirming: (ref: Ref, holder: Holder, notConfirmedBy: string[]) =>
      change(ref, { set: { notConfirmedBy } }, heldBy(holder)),

    /** Records a person's decision for this attempt only, as the next may run something else. */
    decide: (ref: Ref & Pick<Task, 'attempt'>, decision: 'confirm' | 'reject', reason: string) =>
      change(ref, { set: { status: decision === 'confirm' ? 'confirmed' : 'rejected', reason } }, [
        ['in', 'status', taskSources(decision)],
        ['=', 'attempt', ref.attempt],
      ]),

    /** Returns it to waiting with the next attempt, after its runner was lost or handed it back. */
    requeue: (ref: Placed & Pick<TaskRecord, 'queue'>, holder: Holder, reason: string, loss: Loss = 'lost') =>
      change(
        ref,
        {
          set: {
            status: 'waiting',
            // Its limits must admit it again: one of them may have been lowered meanwhile.
            admitted: undefined,
            ...inLine({ ...ref, admitted: false }, ref.queue),
            reason,
            claimedAt: undefined,
            claimedBy: undefined,
            startedAt: undefined,
            runnerId: undefined,
            assignedAt: undefined,
          },
          add: { attempt: 1, ...(loss === 'handed_back' && { handBacks: 1 }) },
        },
        [
          ['in', 'status', taskSources(loss === 'handed_back' ? 'hand_back' : 'lose_retry')],
          ...heldBy(holder),
        ],
      ),

    /** Ends it after its runner was lost, when it must not run again. */
    endLost: (ref: Ref, holder: Holder, status: 'error' | 'stopped', reason: string, now: Instant) =>
      change(ref, { set: { status, reason, finishedAt: now, ...ending } }, [
        ['in', 'status', taskSources('lose_fail', status)],
        ...heldBy(holder),
      ]),
  };
};
