/** What instances cost, what each task's share is, and what always-on machines would have cost. Integer micro-dollars. */
import {
  type CostReport,
  type InstanceSession,
  type Instant,
  minimumBilledSeconds,
  msBetween,
  type ProjectId,
  type Runner,
  type RunnerId,
} from '../../protocol/index.ts';
import { hasInstances } from './choice.ts';
import { hourlyPrice, pricesAsOf } from './prices.ts';
import { sum } from './sum.ts';
import { clip, spanOf } from './usage.ts';

interface Window {
  readonly from: Instant;
  readonly to: Instant;
}

const secondsPerHour = 3600;

/** Whole seconds that EC2 bills for a run: by the second, with a minimum at every start. */
export const billedSeconds = (startedAt: Instant, endedAt: Instant): number =>
  Math.max(minimumBilledSeconds, Math.ceil(msBetween(startedAt, endedAt) / 1000));

const cost = (microUsdPerHour: number, seconds: number): number =>
  Math.round((microUsdPerHour * seconds) / secondsPerHour);

/** What is stored of a session; the rest follows from it. */
export type SessionFacts = Pick<
  InstanceSession,
  | 'id'
  | 'runnerId'
  | 'projectId'
  | 'instanceId'
  | 'instanceType'
  | 'market'
  | 'region'
  | 'startedAt'
  | 'endedAt'
  | 'onlineAt'
  | 'busyMs'
>;

/** The instance session that is not over yet, as the bill would have it; undefined for a runner without one. */
export const openSessionFacts = (
  runner: Runner & { readonly busyMs: number; readonly onlineAt?: Instant | undefined },
  region: string,
): SessionFacts | undefined => {
  const { session, instanceId, instanceType, market, projectId, onlineAt } = runner;
  if (!session || !instanceId) return undefined;
  return {
    ...session,
    runnerId: runner.id,
    instanceId,
    region: runner.region ?? region,
    busyMs: runner.busyMs,
    ...(projectId && { projectId }),
    ...(instanceType && { instanceType }),
    ...(market && { market }),
    ...(onlineAt !== undefined && onlineAt >= session.startedAt && { onlineAt }),
  };
};

/** Seconds and money of a session, as of `now` while it is open. */
export const priceSession = (facts: SessionFacts, now: Instant): InstanceSession => {
  const endedAt = facts.endedAt ?? now;
  const billed = billedSeconds(facts.startedAt, endedAt);
  const price = hourlyPrice(facts.region, facts.instanceType);
  return {
    ...facts,
    seconds: Math.max(0, Math.ceil(msBetween(facts.startedAt, endedAt) / 1000)),
    billedSeconds: billed,
    ...(price !== undefined && { microUsd: cost(price, billed) }),
  };
};

/** What of a session's cost falls into a window, by the time that it lasted there; undefined where the price is not known. */
export const costWithin = (facts: SessionFacts, window: Window, now: Instant): number | undefined => {
  const { microUsd } = priceSession(facts, now);
  if (microUsd === undefined) return undefined;
  const whole = spanOf(facts.startedAt, facts.endedAt ?? now);
  // Over in the moment in which it began, as far as clocks tell: it is billed all the same.
  if (whole.to <= whole.from)
    return facts.startedAt >= window.from && facts.startedAt < window.to ? microUsd : 0;
  const [inside] = clip([whole], spanOf(window.from, window.to));
  return inside ? Math.round((microUsd * (inside.to - inside.from)) / (whole.to - whole.from)) : 0;
};

/**
 * A task's part of its session's cost: by its share of the time in which tasks ran, so that boot and idle time are shared too.
 * Reckoned with integers of any size: a long session's money times its milliseconds is more than a number holds exactly.
 */
export const taskShare = (session: Pick<InstanceSession, 'microUsd' | 'busyMs'>, runMs: number): number => {
  const busyMs = Math.max(session.busyMs, runMs);
  if (busyMs === 0 || runMs <= 0) return 0;
  return Number((BigInt(session.microUsd ?? 0) * BigInt(runMs)) / BigInt(busyMs));
};

export interface RanTask {
  readonly id: string;
  readonly runnerId?: RunnerId | undefined;
  readonly claimedAt?: Instant | undefined;
  readonly finishedAt?: Instant | undefined;
}

export interface CostedRunner {
  readonly id: RunnerId;
  readonly name: string;
  readonly projectId?: ProjectId | undefined;
  readonly instanceId?: string | undefined;
  readonly fleet?: string | undefined;
  readonly instanceType?: string | undefined;
  readonly region: string;
  readonly createdAt: Instant;
}

/** The session in which a task ran: its runner's last before the task was claimed. EC2's events have whole seconds, so the end is no help. */
export const sessionOf = <S extends Pick<InstanceSession, 'runnerId' | 'startedAt'>>(
  task: Pick<RanTask, 'runnerId' | 'claimedAt'>,
  sessions: readonly S[],
): S | undefined => {
  const { runnerId, claimedAt } = task;
  if (!runnerId || !claimedAt) return undefined;
  return sessions
    .filter((session) => session.runnerId === runnerId && session.startedAt <= claimedAt)
    .sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1))[0];
};

const alwaysOnSeconds = (runner: CostedRunner, { from, to }: Window): number => {
  if (!hasInstances(runner)) return 0;
  const since = runner.createdAt > from ? runner.createdAt : from;
  return Math.max(0, Math.ceil(msBetween(since, to) / 1000));
};

/**
 * A project's bill: all of its own runners' sessions, and of the global runners' its tasks' shares, with the same part of
 * their always-on cost. `sessions` are those that began in the window, priced.
 */
export const costReport = (
  window: Window,
  runners: readonly CostedRunner[],
  sessions: readonly InstanceSession[],
  tasks: readonly RanTask[],
): CostReport => {
  const shares = tasks.flatMap((task) => {
    const session = sessionOf(task, sessions);
    if (!session || !task.runnerId || !task.claimedAt) return [];
    const runMs = msBetween(task.claimedAt, task.finishedAt ?? window.to);
    return [
      {
        taskId: task.id,
        runnerId: task.runnerId,
        sessionId: session.id,
        microUsd: taskShare(session, runMs),
      },
    ];
  });
  const usedSessions = new Set(shares.map(({ sessionId }) => sessionId));
  const rows = runners.flatMap((runner) => {
    const own = sessions.filter(({ runnerId }) => runnerId === runner.id);
    const whole = sum(own.map(({ microUsd }) => microUsd ?? 0));
    const isGlobal = runner.projectId === undefined;
    const used = sum(shares.filter(({ runnerId }) => runnerId === runner.id).map(({ microUsd }) => microUsd));
    if (isGlobal && used === 0) return [];
    const part = isGlobal ? used / whole : 1;
    const onSeconds = alwaysOnSeconds(runner, window);
    const price = hourlyPrice(runner.region, runner.instanceType) ?? 0;
    return [
      {
        runnerId: runner.id,
        name: runner.name,
        sessions: own.length,
        runSeconds: sum(own.map(({ seconds }) => seconds)),
        billedSeconds: sum(own.map((session) => session.billedSeconds)),
        alwaysOnSeconds: onSeconds,
        spentMicroUsd: isGlobal ? used : whole,
        alwaysOnMicroUsd: Math.round(cost(price, onSeconds) * part),
      },
    ];
  });
  const spentMicroUsd = sum(rows.map((row) => row.spentMicroUsd));
  const alwaysOnMicroUsd = sum(rows.map((row) => row.alwaysOnMicroUsd));
  return {
    ...window,
    spentMicroUsd,
    alwaysOnMicroUsd,
    savedMicroUsd: alwaysOnMicroUsd - spentMicroUsd,
    runners: rows,
    sessions: sessions.filter(({ id, projectId }) => projectId !== undefined || usedSessions.has(id)),
    tasks: shares.map(({ taskId, runnerId, microUsd }) => ({ taskId, runnerId, microUsd })),
    pricesAsOf,
    unpriced: [
      ...new Set(
        sessions.flatMap(({ microUsd, instanceType }) =>
          microUsd === undefined ? [instanceType ?? 'unknown'] : [],
        ),
      ),
    ],
  };
};
