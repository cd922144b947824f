/**
 * Store of limits: the maximum of concurrent tasks of a template or a project. Each limit has one item with
 * the admitted tasks. Those that wait for a place are in the limit's line (`lineOf`), an item for each. Each
 * change here is one conditional write on the limit's item: it writes one unit for each 1,024 bytes of it, at
 * 40 bytes for an admitted task, so 1 unit up to a maximum of 20, and 40 units when 1,000 tasks are admitted.
 */

import { decodeTime } from 'ulid';
import * as z from 'zod';
import {
  type Instant,
  type ProjectId,
  type Task,
  type TaskId,
  type TemplateId,
  toInstant,
} from '../../../protocol/index.ts';
import { type InLine, rankOf } from '../../core/tasks/order.ts';
import type { Condition, Update } from '../expressions.ts';
import { recordsOf } from '../records.ts';
import { keys, type Table } from '../table.ts';

/** Reference of a limit: the template or project that it applies to. */
export interface LimitRef {
  readonly projectId: ProjectId;
  readonly ownerId: TemplateId | ProjectId;
}

const entries = z
  .set(z.string())
  .default(new Set())
  .transform((all) => [...all].sort());

const stored = z.object({
  /** 0 = no limit. */
  max: z.int(),
  /** Entries of admitted tasks. */
  held: entries,
  /** Number of entries that its line has got since it was last seen empty. Absent: nobody waits. */
  joined: z.int().optional(),
  /** Entries of tasks that have waited since 0.1.0, which kept the line here, the next one first. */
  line: entries,
});
export type LimitState = z.infer<typeof stored>;

/**
 * Entry of a task in its limits: its rank, and the number of times that it left them while waiting. A late
 * call that gives up an earlier entry thus does not take the present one.
 */
export const entryOf = ({
  limitsLeft,
  ...task
}: Pick<Task, 'id' | 'priority'> & { readonly limitsLeft?: number }): string =>
  limitsLeft === undefined ? rankOf(task) : `${rankOf(task)}~${limitsLeft}`;

const ulidIn = (entry: string): string => entry.slice(entry.indexOf('_') + 1).replace(/~.*/, '');

export const taskOfEntry = (entry: string): TaskId => `tsk_${ulidIn(entry)}`;

/** Returns the name of a limit's line. */
export const lineOf = ({ ownerId }: LimitRef): string => `lim_${ownerId}`;

/** Returns the place in a limit's line that an entry stands for. */
export const placeOfEntry = ({ projectId }: Pick<LimitRef, 'projectId'>, entry: string): InLine => ({
  projectId,
  id: taskOfEntry(entry),
  rank: entry,
});

/** Returns the creation time of an entry's task. */
export const madeAt = (entry: string): Instant => toInstant(decodeTime(ulidIn(entry)));

/** Conditions of an entry that is not admitted yet, each as its alternatives. */
const hasRoom: readonly (readonly Condition[])[] = [
  [['<>', 'max', 0]],
  [
    ['missing', 'held'],
    ['sizeBelow', 'held', 'max'],
  ],
];
const nobodyWaits: readonly (readonly Condition[])[] = [[['missing', 'joined']], [['missing', 'line']]];

const isHeldOr = (entry: string, all: readonly (readonly Condition[])[]): Condition[] =>
  all.map((alternatives) => ['any', ['contains', 'held', entry], ...alternatives]);

export type LimitStore = ReturnType<typeof limitStore>;

export const limitStore = (table: Table) => {
  const keyOf = ({ projectId, ownerId }: LimitRef) => keys.resource(projectId, `lim_${ownerId}`);
  const records = recordsOf(table, stored);
  const change = (ref: LimitRef, update: Update, conditions: readonly Condition[]) =>
    records.update(keyOf(ref), update, conditions);

  return {
    get: async (ref: LimitRef): Promise<LimitState | undefined> =>
      records.readIf(await table.get(keyOf(ref))),

    /** Reads many limits, by their owners; leaves out missing and unreadable ones. */
    getAll: async (refs: readonly LimitRef[]): Promise<Map<string, LimitState>> => {
      const found = records.readMarked(await table.batchGet(refs.map(keyOf)));
      return new Map(
        refs.flatMap((ref) => {
          const state = found.get(keyOf(ref).sk);
          return state === undefined || state === 'unreadable' ? [] : [[ref.ownerId, state]];
        }),
      );
    },

    /** Sets the maximum. */
    set: (ref: LimitRef, max: number) => change(ref, { set: { max } }, []),

    /**
     * Admits a task. Refused when there is no room, when another task waits in line, and when the maximum is
     * 0: then none is counted. `max` applies if none was set yet.
     */
    enter: (ref: LimitRef, entry: string, max: number) =>
      change(
        ref,
        { add: { held: new Set([entry]) }, setIfMissing: { max } },
        isHeldOr(entry, [...nobodyWaits, ...hasRoom]),
      ),

    /**
     * Notes that a task has joined the line: from this write on, only the first of the line is admitted. The
     * entry in the line is written before, so that who finds the line empty cannot miss it (`closeLine`).
     */
    noteJoined: (ref: LimitRef) => change(ref, { add: { joined: 1 } }, [['exists', 'pk']]),

    /** Lets tasks in without a look at the line, which was empty after `joined` was read. */
    closeLine: (ref: LimitRef, joined: number) =>
      change(ref, { unset: ['joined'] }, [['=', 'joined', joined]]),

    /** Admits the first task of the line. Refused when there is no room, or the maximum is 0. */
    promote: (ref: LimitRef, entry: string) =>
      change(ref, { add: { held: new Set([entry]) } }, isHeldOr(entry, hasRoom)),

    /** Forgets entries of 0.1.0 that have joined the line. */
    forgetMoved: (ref: LimitRef, moved: readonly string[]) =>
      change(ref, { add: { joined: 1 }, take: { line: new Set(moved) } }, [['exists', 'pk']]),

    /** Counts a task that runs already, regardless of the limit. */
    count: (ref: LimitRef, entry: string) => change(ref, { add: { held: new Set([entry]) } }, []),

    /** Removes a task that has ended, or waits for something else. */
    leave: (ref: LimitRef, entry: string) =>
      change(ref, { take: { held: new Set([entry]), line: new Set([entry]) } }, [['exists', 'pk']]),
  };
};
