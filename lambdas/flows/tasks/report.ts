/** Reports of an agent about a task that it holds: its log, and its end. */
import { type FinishRequest, type LogChunk, msBetween } from '../../../protocol/index.ts';
import { unlessTooLarge } from '../../adapters/item-size.ts';
import type { Lease } from '../../adapters/runners/agent-tokens.ts';
import { type RunnerRecord, runnerRef } from '../../adapters/runners/runner-record.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { scheduled } from '../../core/fleets/fleets.ts';
import { decideSleep } from '../../core/runners/idle-policy.ts';
import { room } from '../../core/runners/slots.ts';
import { queuesOf } from '../../core/tasks/routing.ts';
import { hasEnded, type Loss } from '../../core/tasks/task-state.ts';
import type { Deps } from '../deps.ts';
import { sendEvent } from '../webhooks/deliver.ts';
import { type AssignDeps, leaveLimits } from './assign.ts';
import { assignFromLines } from './line.ts';
import { endAttempt } from './recover-task.ts';

/** True when a log begins with these chunks. */
const isBeginning = (chunks: readonly LogChunk[]): boolean => chunks.some(({ seq }) => seq === 0);

const refOf = (lease: Lease) => ({ projectId: lease.projectId, id: lease.taskId });

/**
 * Stores chunks of the log, and returns true when a user wants the task stopped. The first chunk sets the
 * task running. Undefined: its holder has reported its end, and the chunks lie beyond that. Chunks of before
 * are taken again: an agent that was killed after its report sends both once more. A holder that was
 * considered lost may still send its log.
 */
export const appendLog = async (
  deps: Pick<Deps, 'now' | 'logs' | 'tasks'>,
  lease: Lease,
  chunks: readonly LogChunk[],
): Promise<{ stop: boolean } | undefined> => {
  const running = isBeginning(chunks)
    ? await deps.tasks.markRunning(refOf(lease), lease, deps.now())
    : undefined;
  const task = running ?? (await deps.tasks.get(lease.projectId, lease.taskId));
  const told = task?.attempt === lease.attempt ? task.logChunks : undefined;
  if (told !== undefined && chunks.some(({ seq }) => seq >= told)) return undefined;
  await deps.logs.append(lease, chunks);
  return { stop: task?.status === 'stopping' };
};

/** `lease_lost`: another runner has the task by now, and nothing was changed. */
export type FinishResult = { readonly ok: true } | { readonly ok: false; readonly code: 'lease_lost' };

/**
 * Finish events go to a runner's own URL for each task, as its receiver may count them. The stack's own
 * function gets one only when it would stop the instance: this saves six requests a task. A runner that may
 * sleep later offers that itself.
 */
const wantsFinishEvent = ({ fleets, now }: Pick<Deps, 'fleets' | 'now'>, runner: RunnerRecord): boolean =>
  runner.webhookUrl !== undefined || decideSleep(scheduled(fleets, runner, now()), now()).sleep;

/**
 * Ends a task as its holder reports, with the last chunks of its log if the report has them. A repeated
 * report only completes unfinished steps.
 */
export const finishTask = async (
  deps: AssignDeps & Pick<Deps, 'fleets' | 'logs'>,
  lease: Lease,
  report: FinishRequest,
): Promise<FinishResult> => {
  const { status, exitCode, reason, logChunks, chunks = [], commit, hosts } = report;
  if (chunks.length > 0) await deps.logs.append(lease, chunks);
  if (status === 'handed_back' || status === 'lost') {
    return (await giveBack(deps, lease, status, reason)) ? { ok: true } : { ok: false, code: 'lease_lost' };
  }
  const now = deps.now();
  const result = {
    status,
    logChunks,
    // Its first output came with its end.
    ...(isBeginning(chunks) && { startedAt: now }),
    ...(exitCode !== undefined && { exitCode }),
    ...(reason !== undefined && { reason }),
    ...(commit && { commit }),
    ...(hosts && { hosts }),
  };
  const { hosts: _tooMuch, ...withoutHosts } = result;
  const end = (found: typeof result) => deps.tasks.finish(refOf(lease), lease, found, now);
  // A task must end, even when Ansible's results by host do not fit beside a long survey.
  const whole = hosts ? unlessTooLarge(end(result)) : end(result);
  const finished =
    (await whole) ?? (await finishedBefore(deps, lease)) ?? (hosts && (await end(withoutHosts)));
  if (!finished) return { ok: false, code: 'lease_lost' };
  const runner = await freeSlot(deps, lease, finished);
  await leaveLimits(deps, finished);
  if (runner && room(runner) > 0) await assignFromLines(deps, queuesOf(runner), 1);
  if (runner && wantsFinishEvent(deps, runner)) await sendEvent(deps, 'finish', finished, runner);
  return { ok: true };
};

/** Hands a task back: its slot goes first, as in recoverTask, and then the next attempt may wait. */
const giveBack = async (
  deps: AssignDeps,
  lease: Lease,
  loss: Loss,
  reason = 'Its runner gave it back.',
): Promise<boolean> => {
  const task = await deps.tasks.get(lease.projectId, lease.taskId);
  if (!task || task.attempt < lease.attempt) return false;
  // It was reported before.
  if (task.attempt > lease.attempt || hasEnded(task.status)) return true;
  if (task.runnerId !== lease.runnerId) return false;
  const runner = await freeSlot(deps, lease, task);
  if (runner) await endAttempt(deps, runner, task, reason, loss);
  return runner !== undefined;
};

const finishedBefore = async (deps: AssignDeps, lease: Lease): Promise<TaskRecord | undefined> => {
  const task = await deps.tasks.get(lease.projectId, lease.taskId);
  const isItsOwn = task?.runnerId === lease.runnerId && task.attempt === lease.attempt;
  return task && isItsOwn && hasEnded(task.status) ? task : undefined;
};

const freeSlot = async (
  deps: AssignDeps,
  lease: Lease,
  task: TaskRecord,
): Promise<RunnerRecord | undefined> => {
  const now = deps.now();
  const busyMs = Math.max(0, msBetween(task.claimedAt ?? now, task.finishedAt ?? now));
  const ref = runnerRef(lease.pool, lease.runnerId);
  return (
    (await deps.runners.releaseSlot(ref, task, now, busyMs)) ??
    (await deps.runners.get(lease.pool, lease.runnerId))
  );
};
