/** Recovers a lost task: its runner is gone, so it is queued again, or it ends with the reason. */
import type { RunnerId, TaskId } from '../../../protocol/index.ts';
import type { RunnerRecord, TaskRef } from '../../adapters/runners/runner-record.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { afterLoss, type Loss } from '../../core/tasks/task-state.ts';
import { sendEvent } from '../webhooks/deliver.ts';
import { type AssignDeps, assignTask, leaveLimits } from './assign.ts';
import { refsOf, tasksOf } from './held-tasks.ts';

/**
 * Takes a task from a runner. The slot goes first, on the condition that the runner has not renewed its lease
 * since it was read: from then on the runner has no right to the task, so the next attempt can't overlap with
 * it.
 */
export const recoverTask = async (
  deps: AssignDeps,
  runner: RunnerRecord,
  task: TaskRecord | undefined,
  ref: TaskRef,
  reason: string,
): Promise<void> => {
  const revoked = await deps.runners.revokeSlot(runner, ref, deps.now(), runner.leaseUntil);
  if (!revoked || !task) return;
  await endAttempt(deps, runner, task, reason);
};

/** Takes these of its tasks from a runner that has not renewed its lease since it was read. */
export const recoverTasks = async (
  deps: AssignDeps,
  runner: RunnerRecord,
  ids: readonly TaskId[],
  reason: string,
): Promise<void> => {
  const tasks = await tasksOf(deps, runner, ids);
  for (const ref of refsOf(runner, ids)) {
    await recoverTask(
      deps,
      runner,
      tasks.find(({ id }) => id === ref.id),
      ref,
      reason,
    );
  }
};

/**
 * Ends an attempt whose runner no longer has a slot for it: the next attempt waits, or the task ends. False:
 * it had ended already. A removed runner is given by its id and gets no notification.
 */
export const endAttempt = async (
  deps: AssignDeps,
  runner: RunnerRecord | RunnerId,
  task: TaskRecord,
  reason: string,
  loss: Loss = 'lost',
): Promise<boolean> => {
  const isGone = typeof runner === 'string';
  const runnerId = isGone ? runner : runner.id;
  const holder = { runnerId, attempt: task.attempt };
  const tell = (about: TaskRecord) => (isGone ? Promise.resolve() : sendEvent(deps, 'finish', about, runner));
  const next = afterLoss(task, loss);
  const changed =
    next === 'waiting'
      ? await deps.tasks.requeue(task, holder, reason, loss)
      : await deps.tasks.endLost(task, holder, next === 'stopped' ? 'stopped' : 'error', reason, deps.now());
  if (!changed) return false;
  deps.log.info(loss === 'lost' ? 'Lost a task' : 'A task was handed back', {
    taskId: task.id,
    runnerId,
    attempt: task.attempt,
    next,
    reason,
  });
  if (next === 'waiting') {
    await tell({ ...task, status: 'error' });
    await assignTask(deps, changed);
  } else {
    await leaveLimits(deps, changed);
    await tell(changed);
  }
  return true;
};
