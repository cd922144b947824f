/** Use of instance time (boot, work, idle), and the cost of the same work with another idle timeout. */
import {
  type Band,
  epochMs,
  type IdlePolicyEstimate,
  type Instant,
  minimumBilledSeconds,
  toInstant,
} from '../../../protocol/index.ts';

/** Time span in epoch milliseconds; `to` is exclusive. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface Split {
  readonly bootingMs: number;
  readonly workingMs: number;
  readonly idleMs: number;
}

/** Times of an instance session. */
export interface Session {
  readonly startedAt: Instant;
  readonly endedAt?: Instant;
  readonly onlineAt?: Instant;
}

export const spanOf = (from: Instant, to: Instant): Span => ({ from: epochMs(from), to: epochMs(to) });

const lengthOf = (spans: readonly Span[]): number => spans.reduce((sum, { from, to }) => sum + to - from, 0);

/** Clips each span to the bounds. */
export const clip = (spans: readonly Span[], bounds: Span): Span[] =>
  spans.flatMap(({ from, to }) => {
    const inside = { from: Math.max(from, bounds.from), to: Math.min(to, bounds.to) };
    return inside.to > inside.from ? [inside] : [];
  });

/** Merges overlapping spans, oldest first. */
export const merge = (spans: readonly Span[]): Span[] => {
  const merged: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last && span.from <= last.to)
      merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, span.to) };
    else merged.push(span);
  }
  return merged;
};

/** Returns the boot of a session, which ends at the agent's first heartbeat or first task, or not at all. */
const bootOf = (session: Session, whole: Span, work: readonly Span[]): Span => {
  const firstWork = work[0]?.from ?? whole.to;
  const online = session.onlineAt === undefined ? firstWork : epochMs(session.onlineAt);
  return { from: whole.from, to: Math.max(whole.from, Math.min(online, firstWork, whole.to)) };
};

const wholeOf = ({ startedAt, endedAt }: Session, now: Instant): Span => {
  const whole = spanOf(startedAt, endedAt ?? now);
  return { from: whole.from, to: Math.max(whole.from, whole.to) };
};

/** Splits a session's time within the bounds by use. `tasks` are the times of its runner's tasks. */
export const splitSession = (
  session: Session,
  tasks: readonly Span[],
  now: Instant,
  bounds: Span = wholeOf(session, now),
): Split => {
  const whole = wholeOf(session, now);
  const work = merge(clip(tasks, whole));
  const bootingMs = lengthOf(clip([bootOf(session, whole, work)], bounds));
  const workingMs = lengthOf(clip(work, bounds));
  return { bootingMs, workingMs, idleMs: lengthOf(clip([whole], bounds)) - bootingMs - workingMs };
};

export const addSplits = (a: Split, b: Split): Split => ({
  bootingMs: a.bootingMs + b.bootingMs,
  workingMs: a.workingMs + b.workingMs,
  idleMs: a.idleMs + b.idleMs,
});

/** Returns a runner's states from `bounds.from` to `bounds.to`, without gaps. */
export const bandsOf = (
  sessions: readonly Session[],
  tasks: readonly Span[],
  bounds: Span,
  now: Instant,
): Band[] => {
  const marked = [...sessions]
    .sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1))
    .flatMap((session): (Span & Pick<Band, 'state'>)[] => {
      const whole = wholeOf(session, now);
      const work = merge(clip(tasks, whole));
      const boot = bootOf(session, whole, work);
      const idle = gaps([boot, ...work], whole);
      return [
        { ...boot, state: 'waking' as const },
        ...work.map((span) => ({ ...span, state: 'busy' as const })),
        ...idle.map((span) => ({ ...span, state: 'idle' as const })),
      ].sort((a, b) => a.from - b.from);
    });
  // A runner that another system starts has tasks and no session.
  const loose = gaps(marked, bounds).flatMap((gap) =>
    merge(clip(tasks, gap)).map((span) => ({ ...span, state: 'busy' as const })),
  );
  const awake = [...marked, ...loose].flatMap(({ state, ...span }) =>
    clip([span], bounds).map((inside) => ({ ...inside, state })),
  );
  const asleep = gaps(awake, bounds).map((span) => ({ ...span, state: 'asleep' as const }));
  return [...awake, ...asleep]
    .sort((a, b) => a.from - b.from)
    .map(({ state, from, to }) => ({ state, from: toInstant(from), to: toInstant(to) }));
};

/** Returns the parts of the bounds without a span. */
const gaps = (spans: readonly Span[], bounds: Span): Span[] => {
  let reached = bounds.from;
  const found: Span[] = [];
  for (const { from, to } of merge(clip(spans, bounds))) {
    if (from > reached) found.push({ from: reached, to: from });
    reached = to;
  }
  return reached < bounds.to ? [...found, { from: reached, to: bounds.to }] : found;
};

const dayMs = 86_400_000;

export interface Day extends Span {
  /** `2026-11-24` */
  readonly day: string;
}

/**
 * Returns the calendar days of a window for a clock that is `utcOffsetMinutes` ahead of UTC; the first and
 * last may be cut.
 */
export const daysOf = ({ from, to }: Span, utcOffsetMinutes: number): Day[] => {
  const offsetMs = utcOffsetMinutes * 60_000;
  const days: Day[] = [];
  for (let start = Math.floor((from + offsetMs) / dayMs) * dayMs; start - offsetMs < to; start += dayMs) {
    days.push({
      day: toInstant(start).slice(0, 10),
      from: Math.max(from, start - offsetMs),
      to: Math.min(to, start + dayMs - offsetMs),
    });
  }
  return days;
};

export interface History {
  /** Times of tasks. */
  readonly work: readonly Span[];
  /** Time from the start of the instance until it can work. */
  readonly bootMs: number;
  readonly microUsdPerHour: number;
}

/**
 * Estimates the cost of a runner's past work with a sleep after `idleTimeoutMs` without work, or after the
 * default. The times of the work are kept: `waitedMs` sums the boots that tasks would have waited for,
 * without moving them.
 */
export const estimatePolicy = (
  { work, bootMs, microUsdPerHour }: History,
  idleTimeoutMs: number | undefined,
): IdlePolicyEstimate => {
  const minimumMs = minimumBilledSeconds * 1000;
  /** As in the idle policy: a paid minute is used, unless the runner stops at once. */
  const sleepsAt = (startedAt: number, idleSince: number) =>
    idleTimeoutMs === 0 ? idleSince : Math.max(idleSince + (idleTimeoutMs ?? 0), startedAt + minimumMs);
  let starts = 0;
  let billedMs = 0;
  let on: { startedAt: number; idleSince: number } | undefined;
  const bill = ({ startedAt, idleSince }: NonNullable<typeof on>) => {
    billedMs += Math.max(minimumMs, sleepsAt(startedAt, idleSince) - startedAt);
  };
  for (const { from, to } of merge(work)) {
    if (on && from <= sleepsAt(on.startedAt, on.idleSince)) {
      on.idleSince = to;
      continue;
    }
    if (on) bill(on);
    starts += 1;
    on = { startedAt: from - bootMs, idleSince: to };
  }
  if (on) bill(on);
  const microUsd = Math.round((microUsdPerHour * Math.ceil(billedMs / 1000)) / 3600);
  return {
    idleTimeoutMs,
    starts,
    waitedMs: starts * bootMs,
    microUsd,
  };
};

/** Returns the median, in whole numbers; the mean of the middle two for an even count; undefined for none. */
export const median = (numbers: readonly number[]): number | undefined => {
  const sorted = [...numbers].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? undefined : Math.round((upper + lower) / 2);
};
