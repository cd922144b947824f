/** Slot accounting: how much a runner holds, how much counts on it, how much more it can take. */
import type { Runner } from '../../../protocol/index.ts';

type Load = Pick<Runner, 'slots' | 'demand' | 'maxParallelTasks'>;

/** Tasks at once; `maxParallelTasks: 0` means no limit. */
export const capacity = (runner: Load): number =>
  runner.maxParallelTasks === 0 ? Number.POSITIVE_INFINITY : runner.maxParallelTasks;

/** Tasks that hold a slot or count on one. */
export const load = (runner: Load): number => runner.slots.length + runner.demand.length;

/** Places that nobody holds or counts on; negative when tasks queue behind a full runner. */
export const room = (runner: Load): number => capacity(runner) - load(runner);

/** Whether a task could hold one of its places at this moment. */
export const hasFreeSlot = (runner: Load): boolean => runner.slots.length < capacity(runner);

/** Whether it is to be up: tasks count on it, or somebody has woken it by hand and its agent is not there yet. */
export const isWanted = ({ demand, wokenAt }: Pick<Runner, 'demand' | 'wokenAt'>): boolean =>
  demand.length > 0 || wokenAt !== undefined;

/** Nothing holds it and nobody wants it. */
export const isIdle = (runner: Load & Pick<Runner, 'wokenAt'>): boolean =>
  runner.slots.length === 0 && !isWanted(runner);

/** "2 of 5", for people. */
export const occupancy = (runner: Load): string =>
  runner.maxParallelTasks === 0
    ? `${runner.slots.length} (no limit)`
    : `${runner.slots.length} of ${runner.maxParallelTasks}`;
