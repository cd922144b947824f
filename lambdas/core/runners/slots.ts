/** Slot accounting: tasks that a runner has, tasks assigned to it, and its free places. */
import type { Runner } from '../../../protocol/index.ts';

type Load = Pick<Runner, 'slots' | 'assigned' | 'maxParallelTasks'>;

/** Maximum of concurrent tasks; `maxParallelTasks: 0` means no limit. */
export const capacity = (runner: Load): number =>
  runner.maxParallelTasks === 0 ? Number.POSITIVE_INFINITY : runner.maxParallelTasks;

/**
 * Maximum tasks that are assigned to a runner without a limit and not claimed yet: its agent claims them one
 * after the other, so more would only wait elsewhere.
 */
export const mostAssigned = 50;

/** Number of tasks that run on it or are assigned to it. */
export const load = (runner: Load): number => runner.slots.length + runner.assigned.length;

/** Number of tasks that can be assigned to it; negative when its maximum was lowered since. */
export const room = (runner: Load): number =>
  runner.maxParallelTasks === 0
    ? mostAssigned - runner.assigned.length
    : runner.maxParallelTasks - load(runner);

/** True when a task could take a slot now. */
export const hasFreeSlot = (runner: Load): boolean => runner.slots.length < capacity(runner);

/** Text such as "2 of 5". */
export const occupancy = (runner: Load): string =>
  runner.maxParallelTasks === 0
    ? `${runner.slots.length} (no limit)`
    : `${runner.slots.length} of ${runner.maxParallelTasks}`;
