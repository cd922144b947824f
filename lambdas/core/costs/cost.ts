/** Costs of instances, shares of tasks, and the part of both in a time window. Integer micro-dollars. */
import {
  epochMs,
  type HourlyPrice,
  type InstanceSession,
  type Instant,
  minimumBilledSeconds,
  msBetween,
  type Runner,
  type RunnerId,
} from '../../../protocol/index.ts';
import type { Prices } from './prices.ts';
import { type Span, spanOf } from './usage.ts';

const secondsPerHour = 3600;

/** Returns the whole seconds that EC2 bills for a run: by the second, with a minimum at every start. */
export const billedSeconds = (startedAt: Instant, endedAt: Instant): number =>
  Math.max(minimumBilledSeconds, Math.ceil(msBetween(startedAt, endedAt) / 1000));

const cost = (microUsdPerHour: number, seconds: number): number =>
  Math.round((microUsdPerHour * seconds) / secondsPerHour);

/** Stored facts of a session; all else is computed from them. */
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
  | 'price'
>;

/** Returns the open session as the bill counts it; undefined for a runner without one. */
export const openSessionFacts = (
  runner: Runner & { readonly busyMs: number; readonly onlineAt?: Instant },
  region: string,
): SessionFacts | undefined => {
  const { session, instanceId, instanceType, market, projectId, onlineAt } = runner;
  if (!session || !instanceId) return undefined;
  return {
    id: session.id,
    startedAt: session.startedAt,
    runnerId: runner.id,
    instanceId,
    region: runner.region ?? region,
    busyMs: runner.busyMs,
    projectId,
    instanceType,
    market,
    onlineAt: onlineAt !== undefined && onlineAt >= session.startedAt ? onlineAt : undefined,
  };
};

/** Returns the price of a session: the one stored at its end, else the present one. */
export const priceOf = (
  { price, region, instanceType }: Pick<SessionFacts, 'price' | 'region' | 'instanceType'>,
  prices: Prices,
): HourlyPrice | undefined => price ?? prices(region, instanceType);

/** Computes seconds and money of a session; as of `now` while it is open. */
export const priceSession = (facts: SessionFacts, prices: Prices, now: Instant): InstanceSession => {
  const endedAt = facts.endedAt ?? now;
  const billed = billedSeconds(facts.startedAt, endedAt);
  const price = priceOf(facts, prices);
  return {
    ...facts,
    seconds: Math.max(0, Math.ceil(msBetween(facts.startedAt, endedAt) / 1000)),
    billedSeconds: billed,
    microUsd: price && cost(price.microUsdPerHour, billed),
  };
};

/** True when part of a time span lies in a window. A span without length counts at its moment. */
const isIn = (whole: Span, window: Span): boolean =>
  whole.from < window.to && (whole.to > window.from || (whole.to <= whole.from && whole.from >= window.from));

/**
 * Returns the part of an amount in a window, spread evenly over a time span. The parts of consecutive windows
 * add up to that of the whole.
 */
const partWithin = (amount: number, whole: Span, window: Span): number => {
  if (whole.to <= whole.from) return isIn(whole, window) ? amount : 0;
  const until = (at: number) => {
    const passed = Math.min(Math.max(at, whole.from), whole.to) - whole.from;
    return Math.round((amount * passed) / (whole.to - whole.from));
  };
  return until(window.to) - until(window.from);
};

type Lasting = Pick<InstanceSession, 'startedAt' | 'endedAt'>;

const spanOfSession = ({ startedAt, endedAt }: Lasting, now: Instant): Span =>
  spanOf(startedAt, endedAt ?? now);

export const lastsIn = (session: Lasting, window: Span, now: Instant): boolean =>
  isIn(spanOfSession(session, now), window);

/** Returns the part of a session's seconds in a window, by its time there. */
export const secondsWithin = (
  session: Pick<InstanceSession, 'startedAt' | 'endedAt' | 'seconds' | 'billedSeconds'>,
  window: Span,
  now: Instant,
): Pick<InstanceSession, 'seconds' | 'billedSeconds'> => {
  const whole = spanOfSession(session, now);
  return {
    seconds: partWithin(session.seconds, whole, window),
    billedSeconds: partWithin(session.billedSeconds, whole, window),
  };
};

/**
 * Returns the part of a session's cost in a window, by its time there; undefined when the price is unknown.
 */
export const costWithin = (
  facts: SessionFacts,
  prices: Prices,
  window: Span,
  now: Instant,
): number | undefined => {
  const { microUsd } = priceSession(facts, prices, now);
  return microUsd === undefined ? undefined : partWithin(microUsd, spanOfSession(facts, now), window);
};

/**
 * Computes a task's part of its session's cost by its share of the tasks' time, so that boot and idle time
 * are shared, too. Uses integers of any size: a long session's money times its milliseconds exceeds the exact
 * range of a number.
 */
export const taskShare = (session: Pick<InstanceSession, 'microUsd' | 'busyMs'>, runMs: number): number => {
  const busyMs = Math.max(session.busyMs, runMs);
  if (busyMs === 0 || runMs <= 0) return 0;
  return Number((BigInt(session.microUsd ?? 0) * BigInt(runMs)) / BigInt(busyMs));
};

export interface RanTask {
  readonly id: string;
  readonly runnerId?: RunnerId;
  readonly claimedAt?: Instant;
  readonly finishedAt?: Instant;
}

/**
 * Finds the session of a task: its runner's last before the claim. EC2's events have whole seconds, so the
 * end doesn't help.
 */
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

/** Lists instance types without a price, each once per region. */
export const unpricedAmong = (
  all: readonly Pick<SessionFacts, 'price' | 'region' | 'instanceType'>[],
  prices: Prices,
): { readonly region: string; readonly instanceType?: string }[] => {
  const without = all.filter((one) => priceOf(one, prices) === undefined);
  const distinct = new Map(
    without.map(({ region, instanceType }) => [`${region} ${instanceType}`, { region, instanceType }]),
  );
  return [...distinct.values()];
};

/** Task with its session, priced. */
export interface PlacedTask<T extends RanTask = RanTask> {
  readonly task: T;
  readonly session: InstanceSession;
  /**
   * Run time, clipped to the session: EC2 reports a session's end in whole seconds, and a lost task is
   * noticed later.
   */
  readonly span: Span;
  readonly microUsd: number;
}

/** Returns the tasks that ran in one of the sessions. */
export const placeTasks = <T extends RanTask>(
  tasks: readonly T[],
  sessions: readonly InstanceSession[],
  now: Instant,
): PlacedTask<T>[] => {
  const byRunner = Map.groupBy(sessions, ({ runnerId }) => runnerId);
  return tasks.flatMap((task) => {
    const session = task.runnerId && sessionOf(task, byRunner.get(task.runnerId) ?? []);
    if (!session || !task.claimedAt) return [];
    const finishedAt = task.finishedAt ?? now;
    const whole = spanOfSession(session, now);
    const from = Math.max(whole.from, Math.min(epochMs(task.claimedAt), whole.to - 1));
    const span = { from, to: Math.max(from, Math.min(epochMs(finishedAt), whole.to)) };
    return [{ task, session, span, microUsd: taskShare(session, msBetween(task.claimedAt, finishedAt)) }];
  });
};

export const ranIn = ({ span }: PlacedTask, window: Span): boolean => isIn(span, window);

/** Returns the part of a task's share in a window, by its run time there. */
export const shareWithin = ({ microUsd, span }: PlacedTask, window: Span): number =>
  partWithin(microUsd, span, window);

/**
 * Start of the comparison with a machine that never sleeps. Before the first run the type, and so the price,
 * is unknown.
 */
export const comparedFrom = ({
  firstStartedAt,
  createdAt,
}: {
  readonly firstStartedAt?: Instant;
  readonly createdAt: Instant;
}): Instant => firstStartedAt ?? createdAt;

/**
 * Computes the cost in a window, from `since` on, of an instance that never sleeps. `price` is micro-dollars
 * per hour.
 */
export const alwaysOnWithin = (since: Instant, price: number, window: Span): number => {
  const until = (at: number) =>
    Math.round((price * Math.max(0, at - epochMs(since))) / (secondsPerHour * 1000));
  return until(window.to) - until(window.from);
};
