/** Assigns a waiting task to a runner, or has it wait in line. */
import type { RunnerRecord, TaskRef } from '../../adapters/runners/runner-record.ts';
import { entryOf, type LimitRef, type LimitState } from '../../adapters/tasks/limits.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { nextStatus } from '../../core/runners/runner-state.ts';
import { inLineOf } from '../../core/tasks/order.ts';
import { needsGlobalPool, route } from '../../core/tasks/routing.ts';
import { canServe, chooseRunner } from '../../core/tasks/select-runner.ts';
import { hasEnded } from '../../core/tasks/task-state.ts';
import type { Deps } from '../deps.ts';
import type { DeliverDeps } from '../webhooks/deliver.ts';
import { announce } from './doorbell.ts';
import { firstInLine, leaveLine } from './limit-line.ts';
import { enterLimits, hasRoom, isAwaited, limitRefs } from './limits.ts';

export type AssignDeps = DeliverDeps &
  Pick<Deps, 'log' | 'runners' | 'tasks' | 'lines' | 'limits' | 'queues'>;

export interface Assignment {
  readonly queue: string;
  /** All runners that poll its queue. */
  readonly runners: readonly RunnerRecord[];
  /** The runner that should get it. Undefined: none has a free place for it now. */
  readonly runner: RunnerRecord | undefined;
}

type Routed = Pick<TaskRecord, 'projectId' | 'tag'>;

/** Returns the queue and the runners of a task, as they are now. `ownRunners`: its project's, just read. */
export const routeTask = async (
  deps: Pick<Deps, 'runners'>,
  task: Routed,
  ownRunners?: readonly RunnerRecord[],
) => {
  const own = ownRunners ?? (await deps.runners.list(task.projectId));
  const global = needsGlobalPool(task, own) ? await deps.runners.list('global') : [];
  const { queue, runners } = route(task, own, global);
  return {
    queue,
    runners: [...own, ...global].filter(({ id }) => runners.some((runner) => runner.id === id)),
  };
};

/** Chooses the runner for a task, as things are now. A place that it has already counts as free. */
export const chooseAssignment = async (
  deps: Pick<Deps, 'runners'>,
  task: Routed & { id?: string },
  ownRunners?: readonly RunnerRecord[],
): Promise<Assignment> => {
  const { queue, runners } = await routeTask(deps, task, ownRunners);
  const chosen = chooseRunner(runners.map((runner) => withoutTask(runner, task)));
  return { queue, runners, runner: runners.find(({ id }) => id === chosen?.id) };
};

const withoutTask = (runner: RunnerRecord, { id }: { id?: string }): RunnerRecord => ({
  ...runner,
  assigned: runner.assigned.filter((taskId) => taskId !== id),
});

/** True when some runner could take the task, now or after its present work. */
export const isServed = ({ runners }: Pick<Assignment, 'runners'>): boolean => runners.some(canServe);

/** Maximum tries: the states of runners and their places change under a burst of tasks. */
const maxTries = 5;

export interface AssignOptions {
  /** Choice with which the task was created a moment ago. */
  readonly first?: Assignment;
  /** It is in the line of its queue. */
  readonly isInLine?: boolean;
}

/** The runner that got the task; `in_line`: none has a free place; undefined: the task has moved on. */
export type Assigned = RunnerRecord | 'in_line' | undefined;

/**
 * Assigns a waiting task to a runner with a free place, and returns that runner. Idempotent: for an assigned
 * task it only rings again. Without a free place the task joins the line of its queue, and then the runners
 * are read once more: who frees a place or is about to sleep looks at the line after its own write, so of the
 * two one always sees the other.
 */
export const assignTask = async (
  deps: AssignDeps,
  task: TaskRecord,
  { first, isInLine = false }: AssignOptions = {},
): Promise<Assigned> => {
  let assignment = first ?? (await chooseAssignment(deps, task));
  const admitted = task.limits ? await admit(deps, task, assignment) : task;
  if (!admitted) return undefined;
  let current = admitted;
  let hasJoined = isInLine;
  for (let tries = 1; tries <= maxTries; tries++) {
    const { queue, runner } = assignment;
    if (runner) {
      const isAlone = assignment === first && assignment.runners.every(isUnassigned);
      const given = await giveTo(deps, current, queue, runner, isAlone);
      if (given.ok) return given.assignee;
    } else {
      if (hasJoined && current.queue === queue) return 'in_line';
      const joined = await joinLine(deps, current, queue);
      if (!joined) return undefined;
      current = joined;
      hasJoined = true;
    }
    assignment = await chooseAssignment(deps, current);
  }
  deps.log.warn('Left a task in line: others took each free place', { taskId: task.id });
  if (!hasJoined) await joinLine(deps, current, assignment.queue);
  return 'in_line';
};

const isUnassigned = ({ assigned }: RunnerRecord): boolean => assigned.length === 0;

type Given = { readonly ok: true; readonly assignee: RunnerRecord | undefined } | { readonly ok: false };

/** Gives a task to a runner; not ok when its state or its places have changed since it was read. */
const giveTo = async (
  deps: AssignDeps,
  task: TaskRecord,
  queue: string,
  runner: RunnerRecord,
  isAlone: boolean,
): Promise<Given> => {
  const to = nextStatus(runner, 'wake');
  const isMoved = task.queue !== queue || task.runnerId !== runner.id;
  // No machine is started for a task that another call has moved on since it was read.
  if (isMoved && to !== runner.status && !(await isAsRead(deps, task)))
    return { ok: true, assignee: undefined };
  const assignee = to && (await deps.runners.assign(runner, task, runner.status, to, deps.now()));
  if (!assignee) return { ok: false };
  if (isMoved) {
    const moved = await deps.tasks.assign(task, queue, runner.id, deps.now());
    if (!moved) {
      // It waits no longer, or another call has moved it, perhaps to this very runner.
      const now = await deps.tasks.get(task.projectId, task.id);
      const isHere = now?.status === 'waiting' && now.runnerId === runner.id;
      if (!isHere) await deps.runners.unassign(runner, task);
      return { ok: true, assignee: undefined };
    }
    await leavePlace(deps, task);
    await announce(deps, moved, runner, assignee, isAlone);
  } else await announce(deps, task, runner, assignee, isAlone);
  return { ok: true, assignee };
};

const isAsRead = async (deps: Pick<AssignDeps, 'tasks'>, task: TaskRecord): Promise<boolean> => {
  const now = await deps.tasks.get(task.projectId, task.id);
  return now?.status === 'waiting' && now.runnerId === task.runnerId && now.attempt === task.attempt;
};

/**
 * Has a task wait in the line of a queue. First the line, so that a runner that is about to sleep finds it.
 * Undefined when the task has moved on.
 */
const joinLine = async (
  deps: AssignDeps,
  task: TaskRecord,
  queue: string,
): Promise<TaskRecord | undefined> => {
  await deps.lines.join(queue, inLineOf(task));
  if (task.queue === queue && task.runnerId === undefined) return task;
  const moved = await deps.tasks.assign(task, queue, undefined, deps.now());
  // An entry of a task that has moved on is skipped, and removed once the task has left its queue.
  if (moved) await leavePlace(deps, task);
  return moved;
};

/** Removes a task from where it waited: its runner's assigned tasks, or its queue's line. */
export const leavePlace = (deps: AssignDeps, task: TaskRecord): Promise<void> =>
  task.runnerId === undefined ? deps.lines.leave(task.queue, inLineOf(task)) : unassign(deps, task);

/** Takes a waiting task from the runner that it is assigned to. */
export const unassign = async (
  deps: Pick<AssignDeps, 'runners'>,
  task: Pick<TaskRecord, 'id' | 'projectId' | 'runnerId'>,
): Promise<void> => {
  const assignee = task.runnerId && (await deps.runners.find(task.projectId, task.runnerId));
  if (assignee) await deps.runners.unassign(assignee, task);
};

/**
 * Returns the task if all of its limits admit it. It enters them only when some runner can take it;
 * otherwise it gives its place to others, and the line of a limit calls it.
 */
const admit = async (
  deps: AssignDeps,
  task: TaskRecord,
  assignment: Assignment,
): Promise<TaskRecord | undefined> => {
  const { limits } = task;
  if (!isServed(assignment)) {
    const isOut = !task.admitted && !task.limitedBy;
    return isOut ? task : leaveWaiting(deps, task, { limits, limitedBy: undefined });
  }
  if (task.admitted) return task;
  const entry = await enterLimits(deps, task);
  if (entry.isOverfull) {
    // With a new entry it only lines up, or enters if there is room by then.
    const left = await leaveWaiting(deps, task, { limits, limitedBy: task.limitedBy });
    return left && admit(deps, left, assignment);
  }
  const { limitedBy } = entry;
  const admission = { limits: entry.limits, admitted: limitedBy === undefined, limitedBy };
  const changed = await deps.tasks.limit(task, admission);
  if (!changed) {
    // It waits no longer, or another call has moved it on: that call or the reconciler handles its new state.
    const now = await deps.tasks.get(task.projectId, task.id);
    if (!now || hasEnded(now.status) || entryOf(now) !== entryOf(task))
      await leaveLimits(deps, { ...task, limitedBy });
    return undefined;
  }
  if (limitedBy === undefined) return changed;
  await leavePlace(deps, task);
  await callIfRoom(deps, { projectId: task.projectId, ownerId: limitedBy });
  return undefined;
};

/**
 * Takes a waiting task out of all limits that it has entered, so that it can enter again. Undefined when it
 * has moved on: it started, or another call admitted it or took it out. `calling`: see `leaveLimits`.
 */
export const leaveWaiting = async (
  deps: AssignDeps,
  task: TaskRecord,
  as: Pick<TaskRecord, 'limits' | 'limitedBy'>,
  calling?: LimitRef,
): Promise<TaskRecord | undefined> => {
  // The task first: from then on no runner can claim it.
  const left = await deps.tasks.limit(task, { ...as, admitted: false }, { leaves: true });
  if (!left) return undefined;
  await unassign(deps, task);
  await leaveLimits(deps, task, calling);
  return left;
};

/**
 * Frees the places of a task in its limits, and admits those that wait for them. It has no place in limits
 * after that in whose line it waits. `calling`: a limit whose line the caller calls.
 */
export const leaveLimits = async (
  deps: AssignDeps,
  task: Pick<TaskRecord, 'id' | 'projectId' | 'priority' | 'limits' | 'limitsLeft' | 'limitedBy'>,
  calling?: LimitRef,
): Promise<void> => {
  for (const ref of limitRefs(task)) {
    const isLast = ref.ownerId === task.limitedBy;
    if (isLast) await leaveLine(deps, ref, task);
    const state = await deps.limits.leave(ref, entryOf(task));
    const calls = state && isAwaited(state) && ref.ownerId !== calling?.ownerId;
    if (calls) await callNext(deps, ref, state);
    if (isLast) return;
  }
};

/** Maximum tasks that one call takes from a limit's line. */
const mostCalled = 10;

/**
 * Admits and assigns tasks from the front of a limit's line while it has room. True when it stopped before:
 * the next call, or the reconciler, goes on. `seen`: the limit, as the caller's own write left it, or as read
 * after that.
 */
export const callNext = async (deps: AssignDeps, ref: LimitRef, seen: LimitState): Promise<boolean> => {
  let state = seen;
  for (let called = 0; called < mostCalled; called++) {
    const next = hasRoom(state) ? await firstInLine(deps, ref, state) : undefined;
    if (!next) return false;
    const first = await chooseAssignment(deps, next);
    if (isServed(first)) {
      const promoted = state.max === 0 ? state : await deps.limits.promote(ref, entryOf(next));
      if (!promoted) return false;
      state = promoted;
      await leaveLine(deps, ref, next);
      await assignTask(deps, next, { first });
    } else {
      const out = { limits: next.limits, limitedBy: undefined };
      const left = await leaveWaiting(deps, { ...next, limitedBy: ref.ownerId }, out, ref);
      if (left) await assignTask(deps, left, { first });
    }
  }
  return true;
};

/** Calls the first tasks of a limit's line if there is room. Who has joined the line looks so once more. */
export const callIfRoom = async (deps: AssignDeps, ref: LimitRef): Promise<LimitState | undefined> => {
  const state = await deps.limits.get(ref);
  if (state) await callNext(deps, ref, state);
  return state;
};

/** Assigns these tasks again, if they still wait: their runner can't take them, or its queues changed. */
export const assignAgain = async (deps: AssignDeps, refs: readonly TaskRef[]): Promise<void> => {
  for (const task of await deps.tasks.getAll(refs)) {
    if (task.status === 'waiting') await assignTask(deps, task);
  }
};
