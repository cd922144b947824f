/** The tasks that a runner holds. */
import type { RunnerRecord } from '../adapters/runner-record.ts';
import type { TaskRecord } from '../adapters/tasks.ts';
import { globalQueue } from '../core/routing.ts';
import type { Deps } from './deps.ts';

/** A global runner's tasks are of many projects, so they are looked up by their queue. */
export const heldTasks = async (
  deps: Pick<Deps, 'tasks'>,
  { projectId, slots }: Pick<RunnerRecord, 'projectId' | 'slots'>,
): Promise<TaskRecord[]> => {
  if (slots.length === 0) return [];
  const found = projectId
    ? await deps.tasks.getAll(slots.map((id) => ({ projectId, id })))
    : await deps.tasks.listLiveIn(globalQueue);
  return found.filter(({ id }) => slots.includes(id));
};
