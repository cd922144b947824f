/**
 * Decides when a runner sleeps: rent or buy. EC2 bills a minute at every start, so within that minute staying
 * on is free, once per session. After it an idle runner sleeps at once, unless an `idleTimeoutMs` keeps it on
 * for that time.
 */
import {
  type AgentSettings,
  addMs,
  drainOf,
  type Instant,
  isIdle,
  isPoweredByStack,
  minimumBilledSeconds,
  msBetween,
  type Runner,
} from '../../../protocol/index.ts';

export type SleepDecision =
  | { readonly sleep: true }
  | { readonly sleep: false; readonly why: 'has_work' | 'not_ours' }
  | { readonly sleep: false; readonly why: 'too_soon'; readonly waitMs: number };

/**
 * EC2 bills until `stopping`. Between the agent's offer and that are two requests, a function's start and
 * StopInstances. Without this lead each short task would bill that time beyond the minute.
 */
const stopLeadMs = 2000;
const paidMs = minimumBilledSeconds * 1000 - stopLeadMs;

/**
 * End of the paid minute of a session. EC2 bills from `running`. While that time is unknown, the launch
 * before it stands for it; while the session is unknown, the agent's coming online does.
 */
const paidUntil = ({ session, statusSince }: Runner): Instant =>
  addMs(session?.runningAt ?? session?.startedAt ?? statusSince, paidMs);

/**
 * Time until which an idle runner stays on. `idleTimeoutMs: 0` means at once, even within the paid minute.
 */
export const staysOnUntil = (runner: Runner): Instant => {
  const idleSince = runner.idleSince ?? runner.statusSince;
  if (runner.idleTimeoutMs === 0) return idleSince;
  const [idleEnd, paidEnd] = [addMs(idleSince, runner.idleTimeoutMs ?? 0), paidUntil(runner)];
  return idleEnd > paidEnd ? idleEnd : paidEnd;
};

/**
 * Idle time after which the agent offers to sleep, and the earliest moment: the end of the paid minute,
 * counted from now.
 */
export const offersToSleep = (
  runner: Runner,
  now: Instant,
): Pick<AgentSettings, 'idleTimeoutMs' | 'stayMs'> => ({
  // For an agent of 0.1.0 an absent one means a machine that must not be stopped.
  idleTimeoutMs: runner.idleTimeoutMs ?? 0,
  stayMs: runner.idleTimeoutMs === 0 ? undefined : Math.max(0, msBetween(now, paidUntil(runner))),
});

/** Decides whether an `online` runner's instance should be stopped now. */
export const decideSleep = (runner: Runner, now: Instant): SleepDecision => {
  if (!isPoweredByStack(runner)) return { sleep: false, why: 'not_ours' };
  if (!isIdle(runner)) return { sleep: false, why: 'has_work' };
  if (drainOf(runner) !== undefined) return { sleep: true };
  const waitMs = msBetween(now, staysOnUntil(runner));
  return waitMs <= 0 ? { sleep: true } : { sleep: false, why: 'too_soon', waitMs };
};
