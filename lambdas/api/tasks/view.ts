/** Tasks as people see them: the reason why one waits, and its cost so far. */
import { addMs, msBetween, type ProjectId, type Task } from '../../../protocol/index.ts';
import { idsBetween } from '../../adapters/ids.ts';
import { poolOf, type RunnerRecord } from '../../adapters/runners/runner-record.ts';
import type { Pool } from '../../adapters/table.ts';
import { publicTask, type TaskRecord } from '../../adapters/tasks/tasks.ts';
import { openSessionFacts, priceSession, sessionOf, taskShare } from '../../core/costs/cost.ts';
import type { InLine } from '../../core/tasks/order.ts';
import { mostAhead, tasksAhead, whyWaiting } from '../../core/tasks/reason.ts';
import { globalQueue, needsGlobalPool, route } from '../../core/tasks/routing.ts';
import { limitReasons } from '../../flows/tasks/limits.ts';
import type { ApiDeps } from '../deps.ts';

type ViewDeps = Pick<ApiDeps, 'runners' | 'lines' | 'limits' | 'sessions' | 'prices' | 'region' | 'now'>;

/** Runners of shown tasks, by their ids. */
export type RunnersOf = ReadonlyMap<string, RunnerRecord>;

/** Reads the runners of one page of tasks, and no other: a project may have a thousand. */
export const runnersOf = async (
  { runners }: Pick<ViewDeps, 'runners'>,
  tasks: readonly TaskRecord[],
): Promise<RunnersOf> => {
  const refs = tasks.flatMap(({ projectId, runnerId }) => (runnerId ? [{ projectId, id: runnerId }] : []));
  const found = [...(await runners.findAll(refs))];
  return new Map(found.flatMap(([id, one]) => (one === 'unreadable' ? [] : [[id, one] as const])));
};

/**
 * Shows tasks of one project: each with the name of its runner, if that is the project's own, and the waiting
 * ones with the reason, for which runners, lines and limits are read once for all of them.
 */
export const showTasks = async (
  deps: Pick<ViewDeps, 'runners' | 'lines' | 'limits' | 'now'>,
  projectId: ProjectId,
  tasks: readonly TaskRecord[],
  runners: RunnersOf,
): Promise<Task[]> => {
  const show = (task: TaskRecord): Task => {
    const runner = runners.get(task.runnerId ?? '');
    return { ...publicTask(task), runnerName: runner?.projectId && runner.name };
  };
  const waiting = tasks.filter(({ status }) => status === 'waiting');
  if (waiting.length === 0) return tasks.map(show);
  const own = await deps.runners.list(projectId);
  const global = waiting.some((task) => needsGlobalPool(task, own)) ? await deps.runners.list('global') : [];
  const aheadOf = countAhead(deps);
  const whyLimited = limitReasons(deps);
  return Promise.all(
    tasks.map(async (task) => {
      const shown = show(task);
      if (task.status !== 'waiting') return shown;
      const reason = task.limitedBy
        ? await whyLimited(task, task.limitedBy)
        : whyWaiting(task, route(task, own, global).runners, deps.now(), await aheadOf(task));
      return { ...shown, reason };
    }),
  );
};

/**
 * Returns a function that counts the tasks ahead of one in its queue's line, and reads each line once.
 * Undefined for an assigned task, and in the global line, where projects take turns.
 */
const countAhead = ({ lines }: Pick<ViewDeps, 'lines'>) => {
  const fronts = new Map<string, Promise<readonly InLine[]>>();
  return async ({ id, queue, runnerId }: TaskRecord): Promise<number | undefined> => {
    if (runnerId !== undefined || queue === globalQueue) return undefined;
    const front = fronts.get(queue) ?? lines.first(queue, undefined, mostAhead + 1);
    fronts.set(queue, front);
    return tasksAhead(await front, id);
  };
};

/**
 * Returns a task's share of its session so far, in microUsd; undefined without own instance or known price.
 */
const costOf = async (
  deps: ViewDeps,
  { runnerId, claimedAt, finishedAt }: TaskRecord,
  runners: RunnersOf,
): Promise<number | undefined> => {
  const runner = runners.get(runnerId ?? '');
  if (!runner || !claimedAt) return undefined;
  const open = openSessionFacts(runner, deps.region);
  const facts =
    open && open.startedAt <= claimedAt
      ? open
      : await deps.sessions.lastStartedBefore(poolOf(runner), runner.id, claimedAt);
  if (!facts) return undefined;
  const now = deps.now();
  const known = facts.price ?? (await deps.prices.of(facts.region, facts.instanceType));
  const session = priceSession(facts, () => known, now);
  return session.microUsd === undefined
    ? undefined
    : taskShare(session, msBetween(claimedAt, finishedAt ?? now));
};

/** Maximum age of a session in the costs of a listing. Beyond it only the task itself shows the cost. */
const reachBackMs = 86_400_000;

/** Returns the costs so far of one page of tasks, with few reads for all of them. */
export const costsOf = async (
  deps: ViewDeps,
  projectId: ProjectId,
  tasks: readonly TaskRecord[],
  runners: RunnersOf,
): Promise<Map<string, { costMicroUsd: number }>> => {
  const ran = tasks.flatMap(({ claimedAt }) => (claimedAt === undefined ? [] : [claimedAt])).sort();
  const [first, last] = [ran[0], ran.at(-1)];
  if (first === undefined || last === undefined) return new Map();
  // A runner that is gone may have been a global one.
  const isElsewhere = tasks.some(({ runnerId }) => runnerId && !runners.get(runnerId)?.projectId);
  const { from, to } = idsBetween('ses', addMs(first, -reachBackMs), last);
  const pools: Pool[] = isElsewhere ? [projectId, 'global'] : [projectId];
  const [prices, ...closed] = await Promise.all([
    deps.prices.read(),
    ...pools.map((pool) => deps.sessions.listBetween(pool, from, to)),
  ]);
  const open = [...runners.values()].map((runner) => openSessionFacts(runner, deps.region));
  const now = deps.now();
  const sessions = [...closed.flat(), ...open.filter((facts) => facts !== undefined)].map((facts) =>
    priceSession(facts, prices, now),
  );
  return new Map(
    tasks.flatMap((task) => {
      const session = sessionOf(task, sessions);
      if (session?.microUsd === undefined || !task.claimedAt) return [];
      const runMs = msBetween(task.claimedAt, task.finishedAt ?? now);
      return [[task.id, { costMicroUsd: taskShare(session, runMs) }] as const];
    }),
  );
};

/** Shows one task with all known facts. */
export const showTask = async (deps: ViewDeps, task: TaskRecord): Promise<Task> => {
  const runners = await runnersOf(deps, [task]);
  const [[shown = publicTask(task)], costMicroUsd] = await Promise.all([
    showTasks(deps, task.projectId, [task], runners),
    costOf(deps, task, runners),
  ]);
  return { ...shown, costMicroUsd };
};
