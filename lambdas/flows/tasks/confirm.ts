/** The confirm step: an agent reports that a task waits for a person, who lets it continue or rejects it. */
import { whyNotConfirm } from '../../../protocol/index.ts';
import type { Lease } from '../../adapters/runners/agent-tokens.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { isHeldStatus } from '../../core/tasks/task-state.ts';
import type { Deps } from '../deps.ts';
import { requestHeartbeat } from '../runners/request-heartbeat.ts';

const whatToDo = 'It waits to be confirmed: read in its log what it would do, then confirm or reject it.';

/** Returns true when the task is the caller's: it waits now, or the heartbeat returns the decision. */
export const awaitConfirmation = async (deps: Pick<Deps, 'tasks'>, lease: Lease): Promise<boolean> => {
  const ref = { projectId: lease.projectId, id: lease.taskId };
  if (await deps.tasks.awaitConfirmation(ref, lease, whatToDo)) return true;
  const task = await deps.tasks.get(lease.projectId, lease.taskId);
  const isItsOwn = task?.runnerId === lease.runnerId && task.attempt === lease.attempt;
  return isItsOwn && isHeldStatus(task.status);
};

/** Result of a decision: the task afterwards, or a refusal of this person; undefined: nothing to confirm. */
export type Decided =
  | { readonly ok: true; readonly task: TaskRecord | undefined }
  | { readonly ok: false; readonly why: string };

/**
 * Confirms or rejects a task, which the person who started it may reject too. The agent gets the decision by
 * its next heartbeat, which is requested at once.
 */
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
  if (runner) await requestHeartbeat(deps, runner);
  return { ok: true, task: decided };
};
