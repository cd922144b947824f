/** The order: whoever waits first in a queue starts first, and projects take turns in the global pool. */
import type { Item } from '../../lambdas/adapters/table.ts';
import { globalQueue } from '../../lambdas/core/tasks/routing.ts';
import type { VirtualTime } from './virtual-time.ts';

interface Place {
  readonly queue: string;
  readonly priority: number;
  readonly projectId: string;
  /** Since when it may start as far as order goes. */
  readonly sinceMs: number;
}

export interface OrderOptions {
  readonly time: VirtualTime;
  readonly violate: (what: string) => void;
  /** Whether a runner owes the task. One whose placing a function did not live to end is out of the order until it is placed. */
  readonly isOwed: (taskId: string) => boolean;
  /** How long a claim may take from its look at the index, which is late itself, to its write. */
  readonly claimMs: number;
  /** How many tasks of other projects may start in the global pool before a project that waits has its turn. */
  readonly turnsBetween: number;
}

const short = (id: string) => id.slice(-6);

/** Where a task waits to be claimed; one that a limit keeps out does not. */
const placeOf = (item: Item | undefined, sinceMs: number): Place | undefined => {
  const { status, queue, limits, admitted, projectId, priority = 0 } = item ?? {};
  if (status !== 'waiting' || (limits !== undefined && admitted !== true)) return undefined;
  return { queue: String(queue), priority: Number(priority), projectId: String(projectId), sinceMs };
};

export const createOrderWatch = ({ time, violate, isOwed, claimMs, turnsBetween }: OrderOptions) => {
  const waiting = new Map<string, Place>();
  /** By project: how many of others have started in the global pool while it waited for its turn. */
  const overtaken = new Map<string, number>();
  let mostOvertaken = 0;

  const hasWaitedLong = ([id, { sinceMs }]: [string, Place]) =>
    time.nowMs() - sinceMs > claimMs && isOwed(id);

  /** A higher priority comes first, then who came first: the id of a task begins with its time. */
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
      else if (was?.queue !== is.queue) waiting.set(id, is);
    },
    mostOvertaken: () => mostOvertaken,
  };
};
