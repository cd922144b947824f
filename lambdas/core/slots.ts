/** Slot accounting: how much a runner holds, how much counts on it, how much more it can take. */
import type { Runner } from '../../protocol/index.ts';

type Load = Pick<Runner, 'slots' | 'demand' | 'maxParallelTasks'>;

/** Tasks at once; `maxParallelTasks: 0` means no limit. */
export const capacity = (runner: Load): number =>
  runner.maxParallelTasks === 0 ? Number.POSITIVE_INFINITY : runner.maxParallelTasks;

/** Tasks that hold a slot or count on one. */
export const load = (runner: Load): number => runner.slots.length + runner.demand.length;

/** Places that nobody holds or counts on; negative when tasks queue behind a full runner. */
export const room = (runner: Load): number => capacity(runner) - load(runner);

export const isIdle = (runner: Load): boolean => load(runner) === 0;

/** "2 of 5", for people. */
export const occupancy = (runner: Load): string =>
  runner.maxParallelTasks === 0
    ? `${runner.slots.length} (no limit)`
    : `${runner.slots.length} of ${runner.maxParallelTasks}`;
