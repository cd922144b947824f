/**
 * Store of limits: the maximum of concurrent tasks of a template or a project. Each limit has one item, with
 * the admitted tasks and the line of waiting ones. Each change is one conditional write on it.
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
import { rankOf } from '../../core/tasks/order.ts';
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
  /** Entries of waiting tasks, the next one first. */
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

/** Returns the creation time of an entry's task. */
export const madeAt = (entry: string): Instant => toInstant(decodeTime(ulidIn(entry)));

const hasRoom: Condition = ['any', ['missing', 'held'], ['=', 'max', 0], ['sizeBelow', 'held', 'max']];

/**
 * Maximum length. At up to 40 bytes each it takes some 360 KB of an item's 400 KB: admitted tasks always have
 * room.
 */
const longestLine = 9000;

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
     * Admits a task. Refused when there is no room, or another one waits. `max` applies if none was set yet.
     */
    enter: (ref: LimitRef, entry: string, max: number) =>
      change(
        ref,
        { add: { held: new Set([entry]) }, take: { line: new Set([entry]) }, setIfMissing: { max } },
        [
          ['any', ['contains', 'held', entry], hasRoom],
          ['any', ['contains', 'held', entry], ['missing', 'line']],
        ],
      ),

    /**
     * Puts a task in the line. Refused when there is room and none waits, as nothing would call it then. Also
     * refused when the line is full: the reconciler adds the task later.
     */
    queue: (ref: LimitRef, entry: string) =>
      change(ref, { add: { line: new Set([entry]) } }, [
        ['lacks', 'held', entry],
        ['any', ['exists', 'line'], ['sizeAtLeast', 'held', 'max']],
        ['any', ['missing', 'line'], ['contains', 'line', entry], ['sizeAtMost', 'line', longestLine - 1]],
      ]),

    /** Admits a task from the line. */
    promote: (ref: LimitRef, entry: string) =>
      change(ref, { add: { held: new Set([entry]) }, take: { line: new Set([entry]) } }, [
        ['contains', 'line', entry],
        hasRoom,
      ]),

    /** Counts a task that runs already, regardless of the limit. */
    count: (ref: LimitRef, entry: string) => change(ref, { add: { held: new Set([entry]) } }, []),

    /** Removes a task that has ended, or waits for something else. */
    leave: (ref: LimitRef, entry: string) =>
      change(ref, { take: { held: new Set([entry]), line: new Set([entry]) } }, [['exists', 'pk']]),
  };
};
