/** Assigns a waiting task to a runner, rings its doorbell, and has the runner woken. */
import { type Instant, isPoweredByStack, type RunnerStatus } from '../../../protocol/index.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { entryOf, type LimitRef, type LimitState, taskOfEntry } from '../../adapters/tasks/limits.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { nextStatus } from '../../core/runners/runner-state.ts';
import { room } from '../../core/runners/slots.ts';
import { needsGlobalPool, route } from '../../core/tasks/routing.ts';
import { chooseRunner } from '../../core/tasks/select-runner.ts';
import { hasEnded } from '../../core/tasks/task-state.ts';
import type { Deps } from '../deps.ts';
import { type DeliverDeps, sendEvent } from '../webhooks/deliver.ts';
import { enterLimits, hasRoom, limitRefs } from './limits.ts';

export type AssignDeps = DeliverDeps & Pick<Deps, 'log' | 'runners' | 'tasks' | 'limits' | 'queues'>;

export interface Assignment {
  readonly queue: string;
  /** All runners that could serve it. */
  readonly runners: readonly RunnerRecord[];
  /** The runner that should get it. */
  readonly runner: RunnerRecord | undefined;
}

type Routed = Pick<TaskRecord, 'projectId' | 'tag'>;

/** Returns the queue and the runners of a task, as they are now. */
export const routeTask = async (deps: Pick<Deps, 'runners'>, task: Routed) => {
  const own = await deps.runners.list(task.projectId);
  const global = needsGlobalPool(task, own) ? await deps.runners.list('global') : [];
  const { queue, runners } = route(task, own, global);
  return {
    queue,
    runners: [...own, ...global].filter(({ id }) => runners.some((runner) => runner.id === id)),
  };
};

/** Chooses the runner for a task, as things are now. Demand for this very task takes no room. */
export const chooseAssignment = async (
  deps: Pick<Deps, 'runners'>,
  task: Routed & { id?: string },
): Promise<Assignment> => {
  const { queue, runners } = await routeTask(deps, task);
  const chosen = chooseRunner(runners.map((runner) => withoutTask(runner, task)));
  return { queue, runners, runner: runners.find(({ id }) => id === chosen?.id) };
};

const withoutTask = (runner: RunnerRecord, { id }: { id?: string }): RunnerRecord => ({
  ...runner,
  demand: runner.demand.filter((taskId) => taskId !== id),
});

/** Maximum tries: a runner's status changes under a burst of tasks. The reconciler assigns the rest. */
const maxTries = 5;

/**
 * Assigns a waiting task to a runner, and returns the task. Idempotent: for an assigned task it only rings
 * again. `first` is the assignment of a task that was just created.
 */
export const assignTask = async (
  deps: AssignDeps,
  task: TaskRecord,
  first?: Assignment,
): Promise<RunnerRecord | undefined> => {
  let assignment = first ?? (await chooseAssignment(deps, task));
  const admitted = task.limits ? await admit(deps, task, assignment) : task;
  if (!admitted) return undefined;
  let current = admitted;
  for (let tries = 1; tries <= maxTries; tries++) {
    const { queue, runner } = assignment;
    if (current.queue !== queue || current.runnerId !== runner?.id) {
      const assigned = await reassign(deps, current, assignment);
      if (!assigned) return undefined;
      current = assigned;
    }
    if (!runner) return undefined;
    const isAlone = assignment === first && assignment.runners.every(({ demand }) => demand.length === 0);
    const assignee = await addDemand(deps, current, runner);
    const other =
      assignee && isOverrun(current, runner, assignee) ? await chooseAssignment(deps, current) : undefined;
    if (assignee && (!other || other.runner?.id === assignee.id)) {
      await announce(deps, current, runner, assignee, isAlone);
      return assignee;
    }
    assignment = other ?? (await chooseAssignment(deps, current));
  }
  deps.log.warn('Left a task for the reconciler to assign', { taskId: task.id });
  return undefined;
};

/**
 * Returns the task if all of its limits admit it. It enters them only when there is a runner for it;
 * otherwise it gives its place to others, and the line of a limit calls it.
 */
const admit = async (
  deps: AssignDeps,
  task: TaskRecord,
  { runner }: Pick<Assignment, 'runner'>,
): Promise<TaskRecord | undefined> => {
  const { limits } = task;
  if (!runner) {
    const isOut = !task.admitted && !task.limitedBy;
    return isOut ? task : leaveWaiting(deps, task, { limits, limitedBy: undefined });
  }
  if (task.admitted) return task;
  const entry = await enterLimits(deps, task);
  if (entry === 'overfull') {
    // With a new entry it only lines up, or enters if there is room by then.
    const left = await leaveWaiting(deps, task, { limits, limitedBy: task.limitedBy });
    return left && admit(deps, left, { runner });
  }
  const limitedBy = entry === 'entered' ? undefined : entry.limitedBy;
  const changed = await deps.tasks.limit(task, { limits, admitted: limitedBy === undefined, limitedBy });
  if (!changed) {
    // It waits no longer, or another call has moved it on: that call or the reconciler handles its new state.
    const now = await deps.tasks.get(task.projectId, task.id);
    if (!now || hasEnded(now.status) || entryOf(now) !== entryOf(task)) await leaveLimits(deps, task);
    return undefined;
  }
  if (changed.admitted) return changed;
  await dropDemand(deps, task);
  return undefined;
};

/** Drops the demand for a waiting task on its assigned runner. */
const dropDemand = async (deps: AssignDeps, { id, projectId, runnerId }: TaskRecord): Promise<void> => {
  const assignee = runnerId && (await deps.runners.find(projectId, runnerId));
  if (assignee) await deps.runners.dropDemand(assignee, id);
};

/**
 * Takes a waiting task out of all limits that it has entered, so that it can enter again. Undefined when it
 * has moved on: it started, or another call admitted it or took it out.
 */
export const leaveWaiting = async (
  deps: AssignDeps,
  task: TaskRecord,
  as: Pick<TaskRecord, 'limits' | 'limitedBy'>,
): Promise<TaskRecord | undefined> => {
  // The task first: from then on no runner can claim it.
  const left = await deps.tasks.limit(task, { ...as, admitted: false }, { leaves: true });
  if (!left) return undefined;
  await dropDemand(deps, task);
  await leaveLimits(deps, task);
  return left;
};

/** Frees the places of a task in its limits, and admits those that wait for them. */
export const leaveLimits = async (
  deps: AssignDeps,
  task: Pick<TaskRecord, 'id' | 'projectId' | 'priority' | 'limits' | 'limitsLeft'>,
): Promise<void> => {
  for (const ref of limitRefs(task)) {
    const state = await deps.limits.leave(ref, entryOf(task));
    if (state) await callNext(deps, ref, state);
  }
};

/** Admits and assigns tasks from the front of a limit's line while it has room. */
export const callNext = async (deps: AssignDeps, ref: LimitRef, seen: LimitState): Promise<void> => {
  for (let state: LimitState | undefined = seen; state && hasRoom(state); ) {
    const [entry] = state.line;
    if (entry === undefined) return;
    const promoted = await deps.limits.promote(ref, entry);
    if (promoted) {
      const task = await deps.tasks.get(ref.projectId, taskOfEntry(entry));
      if (!task || hasEnded(task.status) || entryOf(task) !== entry) await deps.limits.leave(ref, entry);
      else if (task.status === 'waiting') await assignTask(deps, task);
    }
    state = await deps.limits.get(ref);
  }
};

/** Assigns the waiting tasks in these queues; `which` narrows them. */
export const assignWaiting = async (
  deps: AssignDeps,
  queues: readonly string[],
  which: (task: TaskRecord) => boolean = () => true,
): Promise<void> => {
  for (const queue of queues) {
    for (const task of await deps.tasks.listLiveIn(queue)) {
      if (task.status === 'waiting' && which(task)) await assignTask(deps, task);
    }
  }
};

/** Moves a waiting task to another runner or queue. Undefined when it waits no longer. */
const reassign = async (
  deps: AssignDeps,
  task: TaskRecord,
  { queue, runner }: Assignment,
): Promise<TaskRecord | undefined> => {
  const assigned = await deps.tasks.assign(task, task.attempt, queue, runner?.id, deps.now());
  if (assigned && task.runnerId !== runner?.id) await dropDemand(deps, task);
  return assigned;
};

/** Raises the runner's demand. Undefined when the runner's status changed meanwhile. */
const addDemand = async (
  deps: AssignDeps,
  task: TaskRecord,
  runner: RunnerRecord,
): Promise<RunnerRecord | undefined> => {
  const to = nextStatus(runner, 'demand');
  return to && deps.runners.raiseDemand(runner, task.id, runner.status, to, deps.now());
};

/**
 * Returns true when other tasks took the room that the runner was chosen for. A DynamoDB condition cannot add
 * sizes, so the write's result shows it: of two concurrent tasks for the last place, the later write sees
 * both.
 */
const isOverrun = (task: TaskRecord, chosen: RunnerRecord, raised: RunnerRecord): boolean =>
  room(withoutTask(chosen, task)) > 0 && room(raised) < 0 && raised.status === chosen.status;

/** Rings for an assigned task, and has its runner woken. `before`: the runner before the assignment. */
const announce = async (
  deps: AssignDeps,
  task: TaskRecord,
  before: RunnerRecord,
  assignee: RunnerRecord,
  isAlone: boolean,
): Promise<void> => {
  await ring(deps, task, isAlone ? deps.now() : undefined);
  if (!wantsStartEvent(before, before.status)) return;
  const wokenAt = assignee.statusSince === before.statusSince ? undefined : assignee.statusSince;
  await sendEvent(deps, 'start', task, assignee, { wokenAt });
};

/** Rings the doorbell of a task's queue, and makes a missing queue. */
export const ring = async (
  deps: Pick<Deps, 'queues'>,
  task: TaskRecord,
  aloneAt?: Instant,
): Promise<void> => {
  const { projectId, id, queue } = task;
  const doorbell = { projectId, taskId: id, queue, aloneAt };
  if (await deps.queues.ring(task.queue, doorbell)) return;
  // When SQS refuses the queue for a minute, the reconciler makes it and rings.
  if (await deps.queues.create(task.queue)) await deps.queues.ring(task.queue, doorbell);
};

const cannotBeStarted: ReadonlySet<RunnerStatus> = new Set(['online', 'draining', 'starting', 'stopping']);

/**
 * Start events go to a runner's own URL for each task, as its receiver may count them. The stack's own
 * function gets none when the runner is up, coming up, or has to stop first, since it would do nothing: this
 * saves five requests a task.
 */
const wantsStartEvent = (runner: RunnerRecord, status: RunnerStatus): boolean =>
  !isPoweredByStack(runner) ? runner.webhookUrl !== undefined : !cannotBeStarted.has(status);
