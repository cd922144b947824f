/**
 * The store of limits: how many tasks of a template, or of a project, may run at once. One item for each, with those that are
 * let in and the line of those that are not; each change is one conditional write on it.
 */

import { decodeTime } from 'ulid';
import * as z from 'zod';
import {
  type Instant,
  type ProjectId,
  type TaskId,
  type TemplateId,
  toInstant,
} from '../../protocol/index.ts';
import type { Condition, Update } from './expressions.ts';
import { keys, type Table } from './table.ts';

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
  /** The ranks of the tasks that are let in. */
  held: entries,
  /** The ranks of those that wait to be, the next one first. */
  line: entries,
});
export type LimitState = z.infer<typeof stored>;

/** The task of a rank in a limit. */
export const taskOfRank = (rank: string): TaskId => `tsk_${rank.slice(rank.indexOf('_') + 1)}`;

/** When the task of a rank was made. */
export const madeAt = (rank: string): Instant => toInstant(decodeTime(rank.slice(rank.indexOf('_') + 1)));

const hasRoom: Condition = ['any', ['missing', 'held'], ['=', 'max', 0], ['sizeBelow', 'held', 'max']];

export type LimitStore = ReturnType<typeof limitStore>;

export const limitStore = (table: Table) => {
  const keyOf = ({ projectId, ownerId }: LimitRef) => keys.resource(projectId, `lim_${ownerId}`);
  const change = async (ref: LimitRef, update: Update, conditions: readonly Condition[]) => {
    const item = await table.update(keyOf(ref), update, conditions);
    return item && stored.parse(item);
  };

  return {
    get: async (ref: LimitRef): Promise<LimitState | undefined> => {
      const item = await table.get(keyOf(ref));
      return item && stored.parse(item);
    },

    /** Makes it so many from now on. */
    set: (ref: LimitRef, max: number) => change(ref, { set: { max } }, []),

    /** Lets a task in. Refused when there is no room, or another one waits. `max` counts if none was set yet. */
    enter: (ref: LimitRef, rank: string, max: number) =>
      change(
        ref,
        { add: { held: new Set([rank]) }, take: { line: new Set([rank]) }, setIfMissing: { max } },
        [
          ['any', ['contains', 'held', rank], hasRoom],
          ['any', ['contains', 'held', rank], ['missing', 'line']],
        ],
      ),

    /** Puts a task in the line. Refused when there is room and nobody waits, as nobody would call it then. */
    queue: (ref: LimitRef, rank: string) =>
      change(ref, { add: { line: new Set([rank]) } }, [
        ['lacks', 'held', rank],
        ['any', ['exists', 'line'], ['sizeAtLeast', 'held', 'max']],
      ]),

    /** Lets a task in out of the line. */
    promote: (ref: LimitRef, rank: string) =>
      change(ref, { add: { held: new Set([rank]) }, take: { line: new Set([rank]) } }, [
        ['contains', 'line', rank],
        hasRoom,
      ]),

    /** Counts a task that runs already, whatever the limit says. */
    count: (ref: LimitRef, rank: string) => change(ref, { add: { held: new Set([rank]) } }, []),

    /** The task has ended, or waits for something else. */
    leave: (ref: LimitRef, rank: string) =>
      change(ref, { take: { held: new Set([rank]), line: new Set([rank]) } }, [['exists', 'pk']]),
  };
};
