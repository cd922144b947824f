/** Checks the order: the first task in a queue starts first, and projects take turns in the global pool. */
import type { Item } from '../../lambdas/adapters/table.ts';
import { globalQueue } from '../../lambdas/core/tasks/routing.ts';
import type { VirtualTime } from './virtual-time.ts';

interface Place {
  readonly queue: string;
  readonly priority: number;
  readonly projectId: string;
  /** Time since when the order allows its start. */
  readonly sinceMs: number;
}

export interface OrderOptions {
  readonly time: VirtualTime;
  readonly violate: (what: string) => void;
  /**
   * True if the task is assigned to a runner or in its queue's line. If a function died before that, the task
   * is out of the order until it has its place.
   */
  readonly hasPlace: (taskId: string) => boolean;
  /** Maximum time of a claim from its read of the index, which itself is late, to its write. */
  readonly claimMs: number;
  /** The index lags so far that a claim cannot see which tasks others were assigned a moment ago. */
  readonly isIndexFarBehind: boolean;
  /** Tasks of other projects that may start in the global pool before a waiting project has its turn. */
  readonly turnsBetween: number;
}

const short = (id: string) => id.slice(-6);

/** Position of a task that waits for a claim; undefined for other tasks and for those behind a limit. */
const placeOf = (item: Item | undefined, sinceMs: number): Place | undefined => {
  const { status, queue, limits, admitted, projectId, priority = 0 } = item ?? {};
  if (status !== 'waiting' || (limits !== undefined && admitted !== true)) return undefined;
  return { queue: String(queue), priority: Number(priority), projectId: String(projectId), sinceMs };
};

export const createOrderWatch = (options: OrderOptions) => {
  const { time, violate, hasPlace, claimMs, isIndexFarBehind, turnsBetween } = options;
  const waiting = new Map<string, Place>();
  /**
   * Tasks of other projects that started in the global pool while a project waited for its turn, by project.
   */
  const overtaken = new Map<string, number>();
  let mostOvertaken = 0;

  const hasWaitedLong = ([id, { sinceMs }]: [string, Place]) =>
    time.nowMs() - sinceMs > claimMs && hasPlace(id);

  /** Compares by priority, then by age: a task's id begins with its time. */
  const isBefore = ([id, a]: [string, Place], [other, b]: [string, Place]) =>
    a.priority > b.priority || (a.priority === b.priority && id < other);

  const checkOrder = (id: string, started: Place) => {
    const { queue } = started;
    for (const [other, place] of waiting) {
      if (place.queue !== queue || !isBefore([other, place], [id, started])) continue;
      if (!hasWaitedLong([other, place])) continue;
      violate(`task ${short(id)} started before ${short(other)}, which waited first in ${queue.slice(-12)}`);
    }
  };

  const checkTurns = ({ projectId }: Place) => {
    overtaken.delete(projectId);
    const inPool = [...waiting].filter(([, place]) => place.queue === globalQueue);
    const others = new Set(inPool.filter(hasWaitedLong).map(([, place]) => place.projectId));
    for (const known of overtaken.keys()) if (!others.has(known)) overtaken.delete(known);
    others.delete(projectId);
    for (const other of others) {
      const count = (overtaken.get(other) ?? 0) + 1;
      overtaken.set(other, count);
      mostOvertaken = Math.max(mostOvertaken, count);
      if (count > turnsBetween)
        violate(`project ${short(other)} waits in the global pool while ${count} tasks of others started`);
    }
  };

  return {
    onWrite: (id: string, before: Item | undefined, after: Item | undefined) => {
      const was = waiting.get(id);
      if (was && before?.status === 'waiting' && after?.status === 'starting') {
        if (was.queue === globalQueue) checkTurns(was);
        else checkOrder(id, was);
      }
      const is = placeOf(after, time.nowMs());
      if (!is) waiting.delete(id);
      const isMoved = was?.queue !== is?.queue || (isIndexFarBehind && before?.runnerId !== after?.runnerId);
      if (is && isMoved) waiting.set(id, is);
    },
    mostOvertaken: () => mostOvertaken,
  };
};
