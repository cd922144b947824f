/** What people see of tasks: why one waits, and what one cost so far. */
import { msBetween, type ProjectId, type Task } from '../../protocol/index.ts';
import { poolOf, type RunnerRecord } from '../adapters/runners.ts';
import { publicTask, type TaskRecord } from '../adapters/tasks.ts';
import { priceSession, type SessionFacts, taskShare } from '../core/cost.ts';
import { whyWaiting } from '../core/reason.ts';
import { needsGlobalPool, route } from '../core/routing.ts';
import type { ApiDeps } from './deps.ts';

type ViewDeps = Pick<ApiDeps, 'runners' | 'sessions' | 'region' | 'now'>;

/** Tasks of one project with the reason why those wait that do. Runners are read once for all of them. */
export const showTasks = async (
  deps: Pick<ViewDeps, 'runners' | 'now'>,
  projectId: ProjectId,
  tasks: readonly TaskRecord[],
): Promise<Task[]> => {
  const waiting = tasks.filter(({ status }) => status === 'waiting');
  if (waiting.length === 0) return tasks.map(publicTask);
  const own = await deps.runners.list(projectId);
  const global = waiting.some((task) => needsGlobalPool(task, own)) ? await deps.runners.list('global') : [];
  return tasks.map((task) => {
    const shown = publicTask(task);
    if (task.status !== 'waiting') return shown;
    return { ...shown, reason: whyWaiting(task, route(task, own, global).runners, deps.now()) };
  });
};

/** The instance session that is not over yet, as the bill would have it; undefined for a runner without one. */
export const openSessionFacts = (runner: RunnerRecord, region: string): SessionFacts | undefined => {
  const { session, instanceId, instanceType, projectId } = runner;
  if (!session || !instanceId) return undefined;
  return {
    ...session,
    runnerId: runner.id,
    instanceId,
    region: runner.region ?? region,
    busyMs: runner.busyMs,
    ...(projectId && { projectId }),
    ...(instanceType && { instanceType }),
  };
};

/** A task's share of its session so far, in micro-dollars. Undefined when no instance of ours ran it, or it has no price. */
const costOf = async (deps: ViewDeps, task: TaskRecord): Promise<number | undefined> => {
  const { runnerId, claimedAt } = task;
  if (!runnerId || !claimedAt) return undefined;
  const runner = await deps.runners.find(task.projectId, runnerId);
  if (!runner) return undefined;
  const open = openSessionFacts(runner, deps.region);
  const facts =
    open && open.startedAt <= claimedAt
      ? open
      : await deps.sessions.lastStartedBefore(poolOf(runner), runner.id, claimedAt);
  if (!facts) return undefined;
  const now = deps.now();
  const session = priceSession(facts, now);
  return session.microUsd === undefined
    ? undefined
    : taskShare(session, msBetween(claimedAt, task.finishedAt ?? now));
};

/** One task with all that is known of it. */
export const showTask = async (deps: ViewDeps, task: TaskRecord): Promise<Task> => {
  const [[shown = publicTask(task)], costMicroUsd] = await Promise.all([
    showTasks(deps, task.projectId, [task]),
    costOf(deps, task),
  ]);
  return { ...shown, ...(costMicroUsd !== undefined && { costMicroUsd }) };
};
