/** Reads the tasks that a runner holds. */
import type { TaskId } from '../../../protocol/index.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { globalQueue } from '../../core/tasks/routing.ts';
import type { Deps } from '../deps.ts';

/** Returns the existing tasks with these ids. A global runner's are of many projects, found by queue. */
export const tasksOf = async (
  deps: Pick<Deps, 'tasks'>,
  { projectId }: Pick<RunnerRecord, 'projectId'>,
  ids: readonly TaskId[],
): Promise<TaskRecord[]> => {
  if (ids.length === 0) return [];
  const found = projectId
    ? await deps.tasks.getAll(ids.map((id) => ({ projectId, id })))
    : await deps.tasks.listLiveIn(globalQueue);
  return found.filter(({ id }) => ids.includes(id));
};

export const heldTasks = (
  deps: Pick<Deps, 'tasks'>,
  runner: Pick<RunnerRecord, 'projectId' | 'slots'>,
): Promise<TaskRecord[]> => tasksOf(deps, runner, runner.slots);
