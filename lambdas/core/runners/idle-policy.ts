/**
 * When a runner may go to sleep: rent or buy. EC2 bills a minute at every start, so within that minute staying on is
 * free, once per session. After it an idle runner sleeps at once, unless an `idleTimeoutMs` says that it stays on for so long.
 */
import {
  type AgentSettings,
  addMs,
  drainOf,
  type Instant,
  minimumBilledSeconds,
  msBetween,
  type Runner,
} from '../../../protocol/index.ts';
import { isPoweredByStack } from '../tasks/select-runner.ts';
import { isIdle } from './slots.ts';

export type SleepDecision =
  | { readonly sleep: true }
  | { readonly sleep: false; readonly why: 'has_work' | 'not_ours' }
  | { readonly sleep: false; readonly why: 'too_soon'; readonly waitMs: number };

/**
 * Between the agent's offer and EC2's `stopping`, up to which EC2 bills, are two requests, a function's start and StopInstances.
 * Without this lead each short task would bill that much more than the minute.
 */
const stopLeadMs = 2000;
const paidMs = minimumBilledSeconds * 1000 - stopLeadMs;

/**
 * Until when the start of a session has paid for it. EC2 bills from `running`; while that time is unknown, the launch before it
 * stands for it, and while the session is unknown, the agent's coming online.
 */
const paidUntil = ({ session, statusSince }: Runner): Instant =>
  addMs(session?.runningAt ?? session?.startedAt ?? statusSince, paidMs);

/** Until when an idle runner stays on. `idleTimeoutMs: 0` means at once, whatever the bill. */
export const staysOnUntil = (runner: Runner): Instant => {
  const idleSince = runner.idleSince ?? runner.statusSince;
  if (runner.idleTimeoutMs === 0) return idleSince;
  const [idleEnd, paidEnd] = [addMs(idleSince, runner.idleTimeoutMs ?? 0), paidUntil(runner)];
  return idleEnd > paidEnd ? idleEnd : paidEnd;
};

/** When its agent offers to sleep: after how long without a task, and not before what is paid for is used, from now on. */
export const offersToSleep = (
  runner: Runner,
  now: Instant,
): Pick<AgentSettings, 'idleTimeoutMs' | 'stayMs'> => ({
  // An agent of 0.1.0 takes an absent one for a machine that is nobody's to stop.
  idleTimeoutMs: runner.idleTimeoutMs ?? 0,
  ...(runner.idleTimeoutMs !== 0 && { stayMs: Math.max(0, msBetween(now, paidUntil(runner))) }),
});

/** Decides for an `online` runner whether its instance should be stopped now. */
export const decideSleep = (runner: Runner, now: Instant): SleepDecision => {
  if (!isPoweredByStack(runner)) return { sleep: false, why: 'not_ours' };
  if (!isIdle(runner)) return { sleep: false, why: 'has_work' };
  if (drainOf(runner) !== undefined) return { sleep: true };
  const waitMs = msBetween(now, staysOnUntil(runner));
  return waitMs <= 0 ? { sleep: true } : { sleep: false, why: 'too_soon', waitMs };
};
