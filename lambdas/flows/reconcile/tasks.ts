/** Repairs live tasks: places again what lost its runner, and rings again for what waits. */
import type { Instant } from '../../../protocol/index.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { hasFreeSlot, room } from '../../core/runners/slots.ts';
import { queuesOf } from '../../core/tasks/routing.ts';
import { canServe } from '../../core/tasks/select-runner.ts';
import { isHeldStatus } from '../../core/tasks/task-state.ts';
import { type AssignDeps, assignTask } from '../tasks/assign.ts';
import { ring } from '../tasks/doorbell.ts';
import { endAttempt, recoverTask } from '../tasks/recover-task.ts';
import type { Pass } from './repairs.ts';
import type { Rooms } from './rooms.ts';
import { isLapsed, sentNoHeartbeat } from './silence.ts';

/** A task that lost its place in its limits may still be assigned, after a crash between two writes. */
const isLetIn = (task: TaskRecord): boolean => task.limits === undefined || task.admitted === true;

/**
 * Returns true when the task is assigned to the runner and in a queue that it polls: a change of tags may
 * have crashed before it assigned all tasks again.
 */
const hasPlaceFor = (runner: RunnerRecord, task: TaskRecord): boolean =>
  runner.assigned.includes(task.id) && queuesOf(runner).includes(task.queue);

/** Runners that the tasks of a pass are assigned to or run on. */
export interface Assignees {
  /** Time at which they were read, or a little earlier. */
  readonly at: Instant;
  readonly of: (task: TaskRecord) => RunnerRecord | 'unreadable' | undefined;
}

/** Reads the runners of tasks, but for `settled` ones: read since the tasks were, and not repaired since. */
export const readAssignees = async (
  deps: AssignDeps,
  tasks: readonly TaskRecord[],
  settled: readonly RunnerRecord[],
  at: Instant,
): Promise<Assignees> => {
  const known = new Map<string, RunnerRecord | 'unreadable'>(settled.map((runner) => [runner.id, runner]));
  const missing = tasks.flatMap(({ projectId, runnerId: id }) =>
    id === undefined || known.has(id) ? [] : [{ projectId, id }],
  );
  const read = await deps.runners.findAll(missing);
  return { at, of: ({ runnerId = '' }) => known.get(runnerId) ?? read.get(runnerId) };
};

/**
 * Repairs a task. Its runner was read at the begin of the pass or of this step, which is harmless: a lost
 * task is taken from its attempt, a lapsed lease revoked only if it was not renewed, and an assignment reads
 * again.
 */
export const reconcileTask = async (
  deps: AssignDeps,
  task: TaskRecord,
  assignees: Assignees,
  rooms: Rooms,
  repaired: Pass['repaired'],
): Promise<void> => {
  const runner = assignees.of(task);
  const about = { taskId: task.id, runnerId: task.runnerId, attempt: task.attempt };
  if (runner === 'unreadable') {
    // Its agent may have the task and continue; a waiting task goes to another runner.
    if (!isHeldStatus(task.status) && (await assignTask(deps, task))) repaired('task_placed_again', about);
    return;
  }
  if (isHeldStatus(task.status)) {
    if (!runner) {
      const reason = 'The runner was removed while the task was on it.';
      if (task.runnerId && (await endAttempt(deps, task.runnerId, task, reason)))
        repaired('slotless_task', about);
    } else if (!runner.slots.includes(task.id)) {
      if (await endAttempt(deps, runner, task, `${runner.name} lost the task.`))
        repaired('slotless_task', about);
    } else if (isLapsed(runner, assignees.at)) {
      await recoverTask(deps, runner, task, task, sentNoHeartbeat(runner));
      repaired('lease_lapsed', about);
    }
    return;
  }
  if (task.status !== 'waiting' || task.limitedBy) return;
  const isAssigned = runner !== undefined && hasPlaceFor(runner, task) && isLetIn(task);
  const isStuck = isAssigned
    ? runner.fault !== undefined || !canServe(runner) || (room(runner) < 0 && (await rooms.isElsewhere(task)))
    : !(await rooms.waitsRightly(task));
  if (isStuck) {
    // It may have moved since the pass began.
    const now = await deps.tasks.get(task.projectId, task.id);
    if (now?.runnerId !== task.runnerId || now?.attempt !== task.attempt) return;
    if ((await assignTask(deps, task)) !== undefined) repaired('task_placed_again', about);
    rooms.forget();
  } else if (runner?.status === 'online' && hasFreeSlot(runner)) {
    await ring(deps, task);
    repaired('doorbell_rung_again', about);
  }
};
