/**
 * The store of limits: how many tasks of a template, or of a project, may run at once. One item for each, with those that are
 * let in and the line of those that are not; each change is one conditional write on it.
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

/** A limit is named after what it is set on. */
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
  /** The entries of the tasks that are let in. */
  held: entries,
  /** The entries of those that wait to be, the next one first. */
  line: entries,
});
export type LimitState = z.infer<typeof stored>;

/**
 * What a task enters its limits as: its rank, and after it has left them while it waited, how often it has. So a call that gives
 * up an earlier entry, however late it comes, does not take the task's present one.
 */
export const entryOf = ({
  limitsLeft,
  ...task
}: Pick<Task, 'id' | 'priority'> & { readonly limitsLeft?: number | undefined }): string =>
  limitsLeft === undefined ? rankOf(task) : `${rankOf(task)}~${limitsLeft}`;

const ulidIn = (entry: string): string => entry.slice(entry.indexOf('_') + 1).replace(/~.*/, '');

export const taskOfEntry = (entry: string): TaskId => `tsk_${ulidIn(entry)}`;

/** When the task of an entry was made. */
export const madeAt = (entry: string): Instant => toInstant(decodeTime(ulidIn(entry)));

const hasRoom: Condition = ['any', ['missing', 'held'], ['=', 'max', 0], ['sizeBelow', 'held', 'max']];

/** With up to 40 bytes of each, some 360 KB of the 400 KB that an item may have: those that are let in always have room. */
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

    /** Makes it so many from now on. */
    set: (ref: LimitRef, max: number) => change(ref, { set: { max } }, []),

    /** Lets a task in. Refused when there is no room, or another one waits. `max` counts if none was set yet. */
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
     * Puts a task in the line. Refused when there is room and nobody waits, as nobody would call it then, and when the line is as
     * long as it may be: the reconciler lines it up later.
     */
    queue: (ref: LimitRef, entry: string) =>
      change(ref, { add: { line: new Set([entry]) } }, [
        ['lacks', 'held', entry],
        ['any', ['exists', 'line'], ['sizeAtLeast', 'held', 'max']],
        ['any', ['missing', 'line'], ['contains', 'line', entry], ['sizeAtMost', 'line', longestLine - 1]],
      ]),

    /** Lets a task in out of the line. */
    promote: (ref: LimitRef, entry: string) =>
      change(ref, { add: { held: new Set([entry]) }, take: { line: new Set([entry]) } }, [
        ['contains', 'line', entry],
        hasRoom,
      ]),

    /** Counts a task that runs already, whatever the limit says. */
    count: (ref: LimitRef, entry: string) => change(ref, { add: { held: new Set([entry]) } }, []),

    /** The task has ended, or waits for something else. */
    leave: (ref: LimitRef, entry: string) =>
      change(ref, { take: { held: new Set([entry]), line: new Set([entry]) } }, [['exists', 'pk']]),
  };
};
