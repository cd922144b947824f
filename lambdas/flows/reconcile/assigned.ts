/** Takes tasks from runners that no longer wait for them, and corrects the runners' places. */
import { msBetween, type TaskId } from '../../../protocol/index.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import type { AssignDeps } from '../tasks/assign.ts';
import { refsOf } from '../tasks/held-tasks.ts';
import type { Pass } from './repairs.ts';
import { graceMs } from './runners.ts';

type Live = ReadonlyMap<string, TaskRecord | 'unreadable'>;

/** An unreadable task keeps its place: it may still wait. */
const isWaiting = (live: Live, runner: RunnerRecord, id: TaskId): boolean => {
  const task = live.get(id);
  return task === 'unreadable' || (task?.status === 'waiting' && task.runnerId === runner.id);
};

const notIn = (live: Live, runner: RunnerRecord): TaskId[] =>
  runner.assigned.filter((id) => !isWaiting(live, runner, id));

/** Returns true when no live task of this pass explains some of the runner's assigned tasks. */
export const hasDoubtful = (live: Live, runner: RunnerRecord): boolean => notIn(live, runner).length > 0;

/**
 * Takes stale tasks from a runner. The tasks of the pass were read before the runners, so newer ones may be
 * missing there, and are read again.
 */
export const dropStale = async (
  deps: AssignDeps,
  live: Live,
  runner: RunnerRecord,
  repaired: Pass['repaired'],
): Promise<void> => {
  if (msBetween(runner.statusSince, deps.now()) < graceMs) return;
  const doubtful = refsOf(runner, notIn(live, runner));
  const now = await deps.tasks.lookUp(doubtful);
  for (const ref of doubtful) {
    if (isWaiting(now, runner, ref.id)) continue;
    await deps.runners.unassign(runner, ref);
    repaired('stale_assignment', { runnerId: runner.id, taskId: ref.id });
  }
};

/** Returns true when the places of a runner are not those of its tasks, as on runners of 0.1.0. */
export const hasWrongPlaces = ({ slots, assigned, places }: RunnerRecord): boolean => {
  const ids = new Set<string>([...slots, ...assigned]);
  return places.length !== ids.size || places.some(({ id }) => !ids.has(id));
};

/** Corrects the places of a runner, with the projects of its tasks from the live ones of this pass. */
export const correctPlaces = async (
  deps: AssignDeps,
  live: ReadonlyMap<string, TaskRecord>,
  runner: RunnerRecord,
  repaired: Pass['repaired'],
): Promise<void> => {
  const ids = new Set<string>([...runner.slots, ...runner.assigned]);
  const known = runner.places.filter(({ id }) => ids.delete(id));
  const missing = [...ids].flatMap((id) => live.get(id) ?? []);
  if (await deps.runners.setPlaces(runner, [...known, ...missing]))
    repaired('places_corrected', { runnerId: runner.id });
};
