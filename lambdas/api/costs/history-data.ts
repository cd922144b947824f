/** Reads the sessions and tasks of a past window, up to a maximum number. */
import { addMs, epochMs, hasInstances, type Instant, type ProjectId } from '../../../protocol/index.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import type { Pool } from '../../adapters/table.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { costWithin, openSessionFacts, type SessionFacts } from '../../core/costs/cost.ts';
import { type Span, spanOf } from '../../core/costs/usage.ts';
import type { ApiDeps } from '../deps.ts';

export type HistoryDeps = Pick<ApiDeps, 'runners' | 'sessions' | 'tasks' | 'prices' | 'region' | 'now'>;

/** Maximum tasks that one reading examines: some ten pages of DynamoDB. */
export const maxTasks = 5000;

/** A task that ran in a window may have been created up to this long before the window. */
export const reachBackMs = 86_400_000;

/** Returns the sessions of a pool's runners that overlap the window, closed or open, whenever they began. */
export const sessionsIn = async (
  deps: HistoryDeps,
  pool: Pool,
  runners: readonly RunnerRecord[],
  { from, to }: { from: Instant; to: Instant },
): Promise<SessionFacts[]> => {
  const closed = await deps.sessions.listReaching(pool, from, to);
  const open = runners
    .map((runner) => openSessionFacts(runner, deps.region))
    .filter((facts) => facts !== undefined)
    .filter(({ startedAt }) => startedAt <= to);
  return [...new Map([...open, ...closed].map((facts) => [facts.id, facts])).values()];
};

/** Cost of each runner's instance since that moment; no entry without an instance or a known price. */
export const spentBy = async (
  deps: HistoryDeps,
  pool: Pool,
  runners: readonly RunnerRecord[],
  since: Instant,
): Promise<Map<string, { spentMicroUsd: number }>> => {
  const now = deps.now();
  const window = { from: since, to: now };
  const [sessions, prices] = await Promise.all([sessionsIn(deps, pool, runners, window), deps.prices.read()]);
  const bySession = Map.groupBy(sessions, ({ runnerId }) => runnerId);
  return new Map(
    runners.flatMap((runner) => {
      const costs = (bySession.get(runner.id) ?? []).map((session) =>
        costWithin(session, prices, spanOf(since, now), now),
      );
      if (!hasInstances(runner) || costs.includes(undefined)) return [];
      return [
        [runner.id, { spentMicroUsd: costs.reduce<number>((sum, cost = 0) => sum + cost, 0) }] as const,
      ];
    }),
  );
};

/** Returns a project's tasks that were created in the window or up to a day before it, newest first. */
export const tasksIn = (
  deps: HistoryDeps,
  projectId: ProjectId,
  { from, to }: { from: Instant; to: Instant },
): Promise<{ tasks: TaskRecord[]; isPartial: boolean }> =>
  deps.tasks.listNewest(projectId, addMs(from, -reachBackMs), to, maxTasks);

/** Time span in which a task ran; undefined while it is unclaimed. */
export const runOf = (
  { claimedAt, finishedAt }: Pick<TaskRecord, 'claimedAt' | 'finishedAt'>,
  now: Instant,
): Span | undefined =>
  claimedAt === undefined
    ? undefined
    : { from: epochMs(claimedAt), to: Math.max(epochMs(claimedAt), epochMs(finishedAt ?? now)) };

/** Time spans in which a runner's tasks ran. */
export const runsOf = (tasks: readonly TaskRecord[], runnerId: string | undefined, now: Instant): Span[] =>
  tasks
    .filter((task) => task.runnerId === runnerId)
    .map((task) => runOf(task, now))
    .filter((span) => span !== undefined);
