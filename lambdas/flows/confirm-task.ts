/** The confirm step: the agent says that a task waits for a person, and a person lets it go on or not. */
import type { Lease } from '../adapters/agent-tokens.ts';
import type { TaskRecord } from '../adapters/tasks.ts';
import { isHeldStatus } from '../core/task-state.ts';
import type { Deps } from './deps.ts';
import { nudge } from './nudge.ts';

const whatToDo = 'It waits to be confirmed: read in its log what it would do, then confirm or reject it.';

/** Whether the task is the caller's: it waits now, or the heartbeat tells what became of it. */
export const awaitConfirmation = async (deps: Pick<Deps, 'tasks'>, lease: Lease): Promise<boolean> => {
  const ref = { projectId: lease.projectId, id: lease.taskId };
  if (await deps.tasks.awaitConfirmation(ref, lease, whatToDo)) return true;
  const task = await deps.tasks.get(lease.projectId, lease.taskId);
  const isItsOwn = task?.runnerId === lease.runnerId && task.attempt === lease.attempt;
  return isItsOwn && isHeldStatus(task.status);
};

/** Undefined when it doesn't wait for that; the agent hears of it by its heartbeat, which is rung for. */
export const decideTask = async (
  deps: Pick<Deps, 'log' | 'tasks' | 'runners' | 'queues'>,
  task: TaskRecord,
  decision: 'confirm' | 'reject',
  by: string,
): Promise<TaskRecord | undefined> => {
  const reason = decision === 'confirm' ? `Confirmed by ${by}.` : `Rejected by ${by}.`;
  const decided = await deps.tasks.decide(task, decision, reason);
  if (!decided?.runnerId) return decided;
  const runner = await deps.runners.find(decided.projectId, decided.runnerId);
  if (runner) await nudge(deps, runner);
  return decided;
};
