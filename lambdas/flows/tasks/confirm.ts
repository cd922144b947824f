/** The confirm step: the agent says that a task waits for a person, and a person lets it go on or not. */
import { whyNotConfirm } from '../../../protocol/index.ts';
import type { Lease } from '../../adapters/runners/agent-tokens.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { isHeldStatus } from '../../core/tasks/task-state.ts';
import type { Deps } from '../deps.ts';
import { nudge } from '../runners/request-heartbeat.ts';

const whatToDo = 'It waits to be confirmed: read in its log what it would do, then confirm or reject it.';

/** Whether the task is the caller's: it waits now, or the heartbeat tells what became of it. */
export const awaitConfirmation = async (deps: Pick<Deps, 'tasks'>, lease: Lease): Promise<boolean> => {
  const ref = { projectId: lease.projectId, id: lease.taskId };
  if (await deps.tasks.awaitConfirmation(ref, lease, whatToDo)) return true;
  const task = await deps.tasks.get(lease.projectId, lease.taskId);
  const isItsOwn = task?.runnerId === lease.runnerId && task.attempt === lease.attempt;
  return isItsOwn && isHeldStatus(task.status);
};

/** Whether the person may decide, and what the task is then; undefined: it does not wait for that. */
export type Decided =
  | { readonly ok: true; readonly task: TaskRecord | undefined }
  | { readonly ok: false; readonly why: string };

/** Rejecting is open to who started it as well. The agent gets the word by its heartbeat, which is rung for. */
export const decideTask = async (
  deps: Pick<Deps, 'log' | 'tasks' | 'runners' | 'queues'>,
  task: TaskRecord,
  decision: 'confirm' | 'reject',
  by: { readonly name: string; readonly personId: string },
): Promise<Decided> => {
  const why = decision === 'confirm' ? whyNotConfirm(task, by.personId) : undefined;
  if (why !== undefined) return { ok: false, why };
  const reason = decision === 'confirm' ? `Confirmed by ${by.name}.` : `Rejected by ${by.name}.`;
  const decided = await deps.tasks.decide(task, decision, reason);
  const runner = decided?.runnerId && (await deps.runners.find(decided.projectId, decided.runnerId));
  if (runner) await nudge(deps, runner);
  return { ok: true, task: decided };
};
