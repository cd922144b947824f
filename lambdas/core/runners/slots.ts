/** Slot accounting: tasks that a runner has, tasks assigned to it, and its free places. */
import type { Runner } from '../../../protocol/index.ts';

type Load = Pick<Runner, 'slots' | 'demand' | 'maxParallelTasks'>;

/** Maximum of concurrent tasks; `maxParallelTasks: 0` means no limit. */
export const capacity = (runner: Load): number =>
  runner.maxParallelTasks === 0 ? Number.POSITIVE_INFINITY : runner.maxParallelTasks;

/** Number of tasks with a slot or in the demand. */
export const load = (runner: Load): number => runner.slots.length + runner.demand.length;

/** Number of free places; negative when tasks queue behind a full runner. */
export const room = (runner: Load): number => capacity(runner) - load(runner);

/** True when a task could take a slot now. */
export const hasFreeSlot = (runner: Load): boolean => runner.slots.length < capacity(runner);

/** Text such as "2 of 5". */
export const occupancy = (runner: Load): string =>
  runner.maxParallelTasks === 0
    ? `${runner.slots.length} (no limit)`
    : `${runner.slots.length} of ${runner.maxParallelTasks}`;
