/** Overflow: a task that waits behind a full runner goes to one with room, as soon as there is one. */
import { isIdle, type RunnerId } from '../../../protocol/index.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { UnreadableItem } from '../../adapters/unreadable-item.ts';
import { room } from '../../core/runners/slots.ts';
import { queuesOf } from '../../core/tasks/routing.ts';
import { canServe, canWake } from '../../core/tasks/select-runner.ts';
import { type AssignDeps, assignTask, routeTask } from './assign.ts';

/** Maximum tasks of a queue that a runner examines before it sleeps. */
const lookedAt = 10;

/**
 * Reassigns the first task that waits behind a full runner, before an idle runner of its queue sleeps:
 * that task's doorbell may be hidden, or arrive too late. The live index lags a moment, so the reconciler
 * looks again.
 */
export const overflowTo = async (deps: AssignDeps, runner: RunnerRecord): Promise<void> => {
  if (runner.status !== 'online' || !isIdle(runner) || !canServe(runner) || !canWake(runner)) return;
  const behind = new Map<RunnerId | undefined, boolean>();
  for (const queue of queuesOf(runner)) {
    for (const task of await deps.tasks.getAll(await deps.tasks.line(queue, lookedAt))) {
      if (task.status !== 'waiting' || task.queue !== queue || task.runnerId === runner.id) continue;
      // Many tasks wait behind the same runner, which is read once.
      const isLate = behind.get(task.runnerId) ?? (await isBehind(deps, task));
      behind.set(task.runnerId, isLate);
      if (!isLate) continue;
      await assignTask(deps, task);
      return;
    }
  }
};

const isBehind = async (deps: AssignDeps, { projectId, runnerId }: TaskRecord): Promise<boolean> => {
  try {
    const assignee = runnerId && (await deps.runners.find(projectId, runnerId));
    return !assignee || !canServe(assignee) || room(assignee) < 0;
  } catch (error) {
    // Left to the reconciler: a finished task must be reported despite another runner's unreadable item.
    if (error instanceof UnreadableItem) return false;
    throw error;
  }
};

export type RoomLookup = ReturnType<typeof roomLookup>;

/** Finds room during one pass of the reconciler: reads each route once, and after an assignment again. */
export const roomLookup = (deps: Pick<AssignDeps, 'runners'>) => {
  const routes = new Map<string, RunnerRecord[]>();
  return {
    /** Returns true when another runner than the assigned one has room for the task now, or can be woken. */
    isElsewhere: async (task: TaskRecord): Promise<boolean> => {
      const route = `${task.projectId} ${task.tag ?? ''}`;
      const runners = routes.get(route) ?? (await routeTask(deps, task)).runners;
      routes.set(route, runners);
      return runners.some(
        (runner) => runner.id !== task.runnerId && canServe(runner) && !runner.fault && room(runner) > 0,
      );
    },
    forget: () => routes.clear(),
  };
};
