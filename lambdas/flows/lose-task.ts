/** Losing a task: its runner is gone, so it is queued again, or it ends with the reason. */
import type { RunnerRecord } from '../adapters/runners.ts';
import type { TaskRecord } from '../adapters/tasks.ts';
import { afterLoss, type Loss } from '../core/task-state.ts';
import { sendEvent } from './deliver.ts';
import { leaveOverfull } from './limits.ts';
import { leaveLimits, type PlaceDeps, place } from './place.ts';

/**
 * Takes a task from a runner. The slot goes first, on the condition that the runner has not renewed its lease since it was
 * read: after that the runner has no right to the task, so the next attempt can't overlap with it.
 */
export const loseTask = async (
  deps: PlaceDeps,
  runner: RunnerRecord,
  task: TaskRecord | undefined,
  taskId: TaskRecord['id'],
  reason: string,
): Promise<void> => {
  const revoked = await deps.runners.revokeSlot(runner, taskId, deps.now(), runner.leaseUntil);
  if (!revoked || !task) return;
  await endAttempt(deps, runner, task, reason);
};

/**
 * Ends an attempt whose runner has no slot for it any more: the next one waits, or the task ends. False: it had ended already.
 */
export const endAttempt = async (
  deps: PlaceDeps,
  runner: RunnerRecord,
  task: TaskRecord,
  reason: string,
  loss: Loss = 'lost',
): Promise<boolean> => {
  const holder = { runnerId: runner.id, attempt: task.attempt };
  const next = afterLoss(task, loss);
  const changed =
    next === 'waiting'
      ? await deps.tasks.requeue(task, holder, reason, loss)
      : await deps.tasks.endLost(task, holder, next === 'stopped' ? 'stopped' : 'error', reason, deps.now());
  if (!changed) return false;
  deps.log(loss === 'lost' ? 'Lost a task' : 'A task was handed back', {
    taskId: task.id,
    runnerId: runner.id,
    attempt: task.attempt,
    next,
    reason,
  });
  if (next === 'waiting') {
    await sendEvent(deps, 'finish', { ...task, status: 'error' }, runner);
    await leaveOverfull(deps, changed);
    await place(deps, changed);
  } else {
    await leaveLimits(deps, changed);
    await sendEvent(deps, 'finish', changed, runner);
  }
  return true;
};
