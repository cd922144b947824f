/** Checks that no second instance is woken for a task while a starting one has room for it. */
import type { Item } from '../../lambdas/adapters/table.ts';
import type { VirtualTime } from './virtual-time.ts';
import { servesOf } from './waiting-watch.ts';

interface Options {
  readonly time: VirtualTime;
  readonly violate: (what: string) => void;
  readonly runners: () => Iterable<Item>;
  readonly task: (id: string) => Item | undefined;
  /** Maximum age of the data by which a function wakes a runner. */
  readonly readMs: number;
}

const sizeOf = (value: unknown): number => (value instanceof Set ? value.size : 0);
const short = (id: unknown) => String(id).slice(-4);

const hasRoom = ({ slots, assigned, maxParallelTasks }: Item): boolean =>
  maxParallelTasks === 0 || sizeOf(slots) + sizeOf(assigned) < Number(maxParallelTasks);

const startsWithRoom = (runner: Item): boolean =>
  runner.status === 'starting' &&
  runner.active === true &&
  runner.quarantinedAt === undefined &&
  runner.fault === undefined &&
  runner.lowDisk === undefined &&
  hasRoom(runner);

/** Settings that decide which tasks the runner takes; a change restarts its time with room. */
const setting = ({ tags, active }: Item) => JSON.stringify([tags, active]);

export const createWakeWatch = ({ time, violate, runners, task, readMs }: Options) => {
  const roomSinceMs = new Map<string, number>();

  const checkWake = (before: Item, after: Item) => {
    const woken = [...(after.assigned instanceof Set ? after.assigned : [])];
    const [taskId] = woken.filter((id) => !(before.assigned instanceof Set && before.assigned.has(id)));
    const waiting = taskId === undefined ? undefined : task(taskId);
    if (!waiting) return;
    for (const other of servesOf(waiting, [...runners()])) {
      const since = roomSinceMs.get(String(other.id));
      if (other.id === after.id || since === undefined || time.nowMs() - since <= readMs) continue;
      violate(
        `runner ${short(after.id)} was woken for task ${String(taskId).slice(-6)} while ${short(other.id)} starts and has had room for ${Math.round((time.nowMs() - since) / 1000)} s`,
      );
    }
  };

  return {
    onWrite: (before: Item | undefined, after: Item | undefined) => {
      if (!after) return void (before && roomSinceMs.delete(String(before.id)));
      const isWoken = before?.status === 'stopped' || before?.status === 'offline';
      if (before && isWoken && after.status === 'starting') checkWake(before, after);
      const id = String(after.id);
      if (!startsWithRoom(after)) roomSinceMs.delete(id);
      else if (!roomSinceMs.has(id) || (before && setting(before) !== setting(after)))
        roomSinceMs.set(id, time.nowMs());
    },
  };
};
