/** Reads the tasks that a runner names. */
import type { TaskId } from '../../../protocol/index.ts';
import type { RunnerRecord, TaskRef } from '../../adapters/runners/runner-record.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import type { Deps } from '../deps.ts';

type Placed = Pick<RunnerRecord, 'projectId' | 'places'>;

/** Returns references of these tasks of a runner; a global runner's are of many projects. */
export const refsOf = ({ projectId, places }: Placed, ids: readonly TaskId[]): TaskRef[] =>
  ids.flatMap((id) => places.find((place) => place.id === id) ?? (projectId ? { projectId, id } : []));

/** Returns the existing tasks with these ids. */
export const tasksOf = (
  deps: Pick<Deps, 'tasks'>,
  runner: Placed,
  ids: readonly TaskId[],
): Promise<TaskRecord[]> => deps.tasks.getAll(refsOf(runner, ids));

export const heldTasks = (
  deps: Pick<Deps, 'tasks'>,
  runner: Placed & Pick<RunnerRecord, 'slots'>,
): Promise<TaskRecord[]> => tasksOf(deps, runner, runner.slots);
