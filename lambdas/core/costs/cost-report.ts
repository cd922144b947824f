/** Bill of a project for a time window, compared with machines that never sleep. Integer micro-dollars. */
import {
  type CostReport,
  epochMs,
  hasInstances,
  type InstanceSession,
  type Instant,
  type ProjectId,
  type RunnerId,
} from '../../../protocol/index.ts';
import {
  alwaysOnWithin,
  comparedFrom,
  costWithin,
  lastsIn,
  placeTasks,
  priceOf,
  priceSession,
  type RanTask,
  ranIn,
  type SessionFacts,
  secondsWithin,
  shareWithin,
  unpricedAmong,
} from './cost.ts';
import { type Prices, tableAsOf } from './prices.ts';
import { sum } from './sum.ts';
import { type Span, spanOf } from './usage.ts';

export interface CostedRunner {
  readonly id: RunnerId;
  readonly name: string;
  readonly projectId?: ProjectId;
  readonly instanceId?: string;
  readonly fleet?: string;
  readonly instanceType?: string;
  readonly region: string;
  readonly createdAt: Instant;
  readonly firstStartedAt?: Instant;
}

const alwaysOnSeconds = (runner: CostedRunner, { from, to }: Span): number => {
  const since = epochMs(comparedFrom(runner));
  const until = (at: number) => Math.ceil(Math.max(0, at - since) / 1000);
  return until(to) - until(from);
};

/**
 * Counts all sessions of the project's own runners, and its tasks' shares of global runners, each with the
 * same part of the always-on cost. Sessions, shares and always-on time count by their time in the window. The
 * bills of consecutive windows thus add up to the bill of the whole.
 */
export const costReport = (
  window: { readonly from: Instant; readonly to: Instant },
  runners: readonly CostedRunner[],
  sessions: readonly SessionFacts[],
  tasks: readonly RanTask[],
  prices: Prices,
  now: Instant,
): CostReport => {
  const bounds = spanOf(window.from, window.to);
  const lasting = sessions
    .filter((facts) => lastsIn(facts, bounds, now))
    .map((facts) => priceSession(facts, prices, now));
  const claimed = tasks.filter(({ claimedAt }) => claimedAt !== undefined && claimedAt < window.to);
  const shares = placeTasks(claimed, lasting, now)
    .filter((placed) => ranIn(placed, bounds))
    .map((placed) => ({
      taskId: placed.task.id,
      runnerId: placed.session.runnerId,
      sessionId: placed.session.id,
      microUsd: shareWithin(placed, bounds),
    }));
  const usedSessions = new Set(shares.map(({ sessionId }) => sessionId));
  const sessionsBy = Map.groupBy(lasting, ({ runnerId }) => runnerId);
  const sharesBy = Map.groupBy(shares, ({ runnerId }) => runnerId);
  const costOf = (session: InstanceSession) => costWithin(session, prices, bounds, now) ?? 0;
  const rows = runners.flatMap((runner) => {
    const its = sessionsBy.get(runner.id) ?? [];
    const whole = sum(its.map(costOf));
    const isGlobal = runner.projectId === undefined;
    const used = sum((sharesBy.get(runner.id) ?? []).map(({ microUsd }) => microUsd));
    if (isGlobal && used === 0) return [];
    // A task's share includes boot and idle time, which may lie outside the window.
    const part = isGlobal ? used / Math.max(used, whole) : 1;
    const price = prices(runner.region, runner.instanceType)?.microUsdPerHour ?? 0;
    const isOn = hasInstances(runner);
    const seconds = its.map((session) => secondsWithin(session, bounds, now));
    return [
      {
        runnerId: runner.id,
        name: runner.name,
        sessions: its.length,
        runSeconds: sum(seconds.map((one) => one.seconds)),
        billedSeconds: sum(seconds.map((one) => one.billedSeconds)),
        alwaysOnSeconds: isOn ? alwaysOnSeconds(runner, bounds) : 0,
        spentMicroUsd: isGlobal ? used : whole,
        alwaysOnMicroUsd: isOn ? Math.round(alwaysOnWithin(comparedFrom(runner), price, bounds) * part) : 0,
      },
    ];
  });
  const counted = lasting.filter(({ id, projectId }) => projectId !== undefined || usedSessions.has(id));
  const shown = new Set(rows.map(({ runnerId }) => runnerId));
  const typed = runners.filter((one) => shown.has(one.id) && hasInstances(one) && one.instanceType);
  const dates = [...counted, ...typed].flatMap((one) => priceOf(one, prices)?.asOf ?? []);
  const spentMicroUsd = sum(rows.map((row) => row.spentMicroUsd));
  const alwaysOnMicroUsd = sum(rows.map((row) => row.alwaysOnMicroUsd));
  return {
    ...window,
    spentMicroUsd,
    alwaysOnMicroUsd,
    savedMicroUsd: alwaysOnMicroUsd - spentMicroUsd,
    runners: rows,
    sessions: counted,
    tasks: shares.map(({ taskId, runnerId, microUsd }) => ({ taskId, runnerId, microUsd })),
    pricesAsOf: dates.sort()[0] ?? tableAsOf,
    unpriced: unpricedAmong([...counted, ...typed], prices),
  };
};
