/** Route of the cost history: spending by day, runner and template, and costs under other idle timeouts. */
import * as endpoints from '../../../protocol/endpoints/costs.ts';
import {
  addMs,
  type CostHistory,
  epochMs,
  hasInstances,
  type Instant,
  longestHistoryDays,
  msBetween,
  type ProjectId,
} from '../../../protocol/index.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import {
  alwaysOnWithin,
  comparedFrom,
  costWithin,
  lastsIn,
  type PlacedTask,
  placeTasks,
  priceSession,
  type SessionFacts,
  shareWithin,
  unpricedAmong,
} from '../../core/costs/cost.ts';
import type { Prices } from '../../core/costs/prices.ts';
import { sum } from '../../core/costs/sum.ts';
import { costByTemplate } from '../../core/costs/template-cost.ts';
import {
  addSplits,
  clip,
  type Day,
  daysOf,
  estimatePolicy,
  type Span,
  type Split,
  spanOf,
  splitSession,
} from '../../core/costs/usage.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuseFields, refuseUnknown } from '../refuse.ts';
import { routeOf, routes } from '../route.ts';
import { type HistoryDeps, runOf, runsOf, sessionsIn, tasksIn } from './history-data.ts';

const dayMs = 86_400_000;
const defaultWindowMs = 30 * dayMs;

/** Idle timeouts to compare, beside the runner's own: none, 5 minutes, 15 minutes, 1 hour. */
const comparedTimeoutsMs = [0, 300_000, 900_000, 3_600_000];
/** Assumed where no boot was seen: some 16 s until EC2 runs an instance, the rest for the system to start. */
const assumedBootMs = 25_000;

const nothing: Split = { bootingMs: 0, workingMs: 0, idleMs: 0 };

interface Window {
  readonly from: Instant;
  readonly to: Instant;
}

/** A session with the tasks of this project that ran in it, without other tasks of a global runner. */
interface UsedSession {
  readonly facts: SessionFacts;
  readonly tasks: readonly PlacedTask<TaskRecord>[];
}

const isOwn = ({ facts }: UsedSession) => facts.projectId !== undefined;

/** Cost of a session to the project in a window, in microUsd. */
const spentIn = (used: UsedSession, prices: Prices, window: Span, now: Instant): number =>
  isOwn(used)
    ? (costWithin(used.facts, prices, window, now) ?? 0)
    : sum(used.tasks.map((placed) => shareWithin(placed, window)));

const splitOf = (used: UsedSession, now: Instant, bounds: Span): Split => {
  const tasks = used.tasks.map(({ task }) => task);
  const split = splitSession(used.facts, runsOf(tasks, used.facts.runnerId, now), now, bounds);
  return isOwn(used) ? split : { ...nothing, workingMs: split.workingMs };
};

const byDay = (used: UsedSession, prices: Prices, days: readonly Day[], now: Instant) =>
  days.map((day) => ({ split: splitOf(used, now, day), spentMicroUsd: spentIn(used, prices, day, now) }));

/** Hourly price of a runner's instance, in microUsd; undefined without an instance or a known price. */
type RateOf = (runner: RunnerRecord) => number | undefined;

const alwaysOnOn = (day: Day, runner: RunnerRecord, rateOf: RateOf): number => {
  const rate = rateOf(runner);
  return rate === undefined ? 0 : alwaysOnWithin(comparedFrom(runner), rate, day);
};

const policiesOf = (
  runner: RunnerRecord,
  rate: number | undefined,
  work: readonly Span[],
  bootMs: number,
) => {
  if (rate === undefined || runner.projectId === undefined || work.length === 0) return [];
  const own = runner.idleTimeoutMs === undefined ? [] : [runner.idleTimeoutMs];
  const timeouts = [...new Set([...comparedTimeoutsMs, ...own])].sort((a, b) => a - b);
  const history = { work, bootMs, microUsdPerHour: rate };
  return [undefined, ...timeouts].map((idleTimeoutMs) => estimatePolicy(history, idleTimeoutMs));
};

const meanBootMs = (sessions: readonly SessionFacts[]): number | undefined => {
  const boots = sessions.flatMap(({ startedAt, onlineAt }) =>
    onlineAt === undefined ? [] : [msBetween(startedAt, onlineAt)],
  );
  return boots.length === 0 ? undefined : Math.round(sum(boots) / boots.length);
};

const readHistory = async (
  deps: HistoryDeps,
  projectId: ProjectId,
  window: Window,
  utcOffsetMinutes: number,
): Promise<CostHistory> => {
  const [own, global, { tasks: read, isPartial }, prices] = await Promise.all([
    deps.runners.list(projectId),
    deps.runners.list('global'),
    tasksIn(deps, projectId, window),
    deps.prices.read(),
  ]);
  const [ownSessions, globalSessions] = await Promise.all([
    sessionsIn(deps, projectId, own, window),
    sessionsIn(deps, 'global', global, window),
  ]);
  const rateOf: RateOf = (runner) =>
    hasInstances(runner)
      ? prices(runner.region ?? deps.region, runner.instanceType)?.microUsdPerHour
      : undefined;
  const now = deps.now();
  const bounds = spanOf(window.from, window.to);
  const days = daysOf(bounds, utcOffsetMinutes);
  const claimed = read.filter(({ claimedAt }) => claimedAt !== undefined && claimedAt < window.to);
  const tasks = claimed.filter((task) => {
    const run = runOf(task, now);
    return run !== undefined && clip([run], bounds).length > 0;
  });
  const all = [...ownSessions, ...globalSessions].filter((facts) => lastsIn(facts, bounds, now));
  const placed = placeTasks(
    claimed,
    all.map((facts) => priceSession(facts, prices, now)),
    now,
  );
  const placedIn = Map.groupBy(placed, ({ session }) => session.id);
  const used = all
    .map((facts): UsedSession => ({ facts, tasks: placedIn.get(facts.id) ?? [] }))
    .filter((one) => isOwn(one) || one.tasks.length > 0);
  const daily = used.map((one) => ({ one, days: byDay(one, prices, days, now) }));

  const runners = new Map([...own, ...global].map((runner) => [runner.id, runner]));
  const usedBy = Map.groupBy(daily, ({ one }) => one.facts.runnerId);
  const asleep = own.filter((runner) => hasInstances(runner) && !usedBy.has(runner.id));
  const rows = [...usedBy.keys(), ...asleep.map(({ id }) => id)].map((runnerId) => {
    const its = usedBy.get(runnerId) ?? [];
    const runner = runners.get(runnerId);
    const rate = runner && rateOf(runner);
    const isPriced = runner?.projectId !== undefined && rate !== undefined;
    const alwaysOn = isPriced ? days.map((day) => alwaysOnOn(day, runner, rateOf)) : [];
    const boot = meanBootMs(its.map(({ one }) => one.facts));
    const work = clip(runsOf(tasks, runnerId, now), bounds);
    return {
      runnerId,
      name: runner?.name ?? 'removed runner',
      ...its.flatMap((one) => one.days.map(({ split }) => split)).reduce(addSplits, nothing),
      spentMicroUsd: sum(its.flatMap((one) => one.days.map(({ spentMicroUsd }) => spentMicroUsd))),
      alwaysOnMicroUsd: isPriced ? sum(alwaysOn) : undefined,
      idleTimeoutMs: runner?.idleTimeoutMs,
      meanBootMs: boot,
      policies: runner ? policiesOf(runner, rate, work, boot ?? assumedBootMs) : [],
    };
  });

  const alwaysOn = new Map(
    rows.flatMap(({ runnerId, alwaysOnMicroUsd }) =>
      alwaysOnMicroUsd === undefined ? [] : [[runnerId, alwaysOnMicroUsd] as const],
    ),
  );
  const placedBy = new Map(placed.map((one) => [one.task.id, one]));
  const taskCosts = tasks.map((task) => {
    const { id, templateId, templateName } = task;
    const its = placedBy.get(id);
    const run = runOf(task, now);
    return {
      templateId,
      templateName,
      runMs: sum(clip(run ? [run] : [], bounds).map(({ from, to }) => to - from)),
      microUsd: its ? shareWithin(its, bounds) : 0,
      runnerId: its?.session.runnerId,
    };
  });
  const rowsOfDays = days.map((day, index) => {
    const spentMicroUsd = sum(daily.map((one) => one.days[index]?.spentMicroUsd ?? 0));
    const alwaysOnMicroUsd = sum(own.map((runner) => alwaysOnOn(day, runner, rateOf)));
    return {
      day: day.day,
      ...daily.map((one) => one.days[index]?.split ?? nothing).reduce(addSplits, nothing),
      spentMicroUsd,
      alwaysOnMicroUsd,
      savedMicroUsd: alwaysOnMicroUsd - spentMicroUsd,
      tasks: tasks.filter(({ claimedAt }) => {
        const at = claimedAt === undefined ? undefined : epochMs(claimedAt);
        return at !== undefined && at >= day.from && at < day.to;
      }).length,
    };
  });
  const templates = costByTemplate(taskCosts, alwaysOn);
  const borne = sum(templates.map(({ microUsd }) => microUsd));
  return {
    ...window,
    days: rowsOfDays,
    runners: rows,
    templates,
    withoutTaskMicroUsd: Math.max(0, sum(rowsOfDays.map(({ spentMicroUsd }) => spentMicroUsd)) - borne),
    unpriced: unpricedAmong(
      [
        ...used.map(({ facts }) => facts),
        ...own
          .filter((runner) => hasInstances(runner) && runner.instanceType)
          .map(({ instanceType, region = deps.region }) => ({ instanceType, region })),
      ],
      prices,
    ),
    isPartial,
  };
};

export const costHistoryRoutes = (deps: ApiDeps) =>
  routes<PersonEnv>().openapi(routeOf(endpoints.getCostHistory), async (c) => {
    const { projectId } = c.req.valid('param');
    const query = c.req.valid('query');
    const now = deps.now();
    const to = query.to !== undefined && query.to < now ? query.to : now;
    const from = query.from ?? addMs(to, -defaultWindowMs);
    if (from >= to || msBetween(from, to) > longestHistoryDays * dayMs) {
      const message = `must be before "to", and ${longestHistoryDays} days before it at most`;
      return refuseFields(c, [{ path: 'from', message }]);
    }
    if (!(await deps.projects.get(projectId))) return refuseUnknown(c, 'project');
    return c.json(await readHistory(deps, projectId, { from, to }, query.utcOffsetMinutes), 200);
  });
