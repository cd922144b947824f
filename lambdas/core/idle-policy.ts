/**
 * When a runner may go to sleep: rent or buy. EC2 bills a minute at every start, so within that minute staying on is
 * free; after it, idle time costs what it lasts, up to the runner's `idleTimeoutMs`.
 */
import {
  addMs,
  drainOf,
  type Instant,
  minimumBilledSeconds,
  msBetween,
  type Runner,
} from '../../protocol/index.ts';
import { isPoweredByStack } from './choice.ts';
import { isIdle } from './slots.ts';

export type SleepDecision =
  | { readonly sleep: true }
  | { readonly sleep: false; readonly why: 'has_work' | 'not_ours' }
  | { readonly sleep: false; readonly why: 'too_soon'; readonly waitMs: number };

/** Until when an idle runner stays on. `idleTimeoutMs: 0` means at once, whatever the bill. */
const staysOnUntil = (runner: Runner, idleSince: Instant): Instant => {
  const idleEnd = addMs(idleSince, runner.idleTimeoutMs);
  if (runner.idleTimeoutMs === 0 || runner.session === undefined) return idleEnd;
  const paidFor = addMs(runner.session.startedAt, minimumBilledSeconds * 1000);
  return msBetween(idleEnd, paidFor) > 0 ? paidFor : idleEnd;
};

/** Decides for an `online` runner whether its instance should be stopped now. */
export const decideSleep = (runner: Runner, now: Instant): SleepDecision => {
  if (!isPoweredByStack(runner)) return { sleep: false, why: 'not_ours' };
  if (!isIdle(runner)) return { sleep: false, why: 'has_work' };
  if (drainOf(runner) !== undefined) return { sleep: true };
  const waitMs = msBetween(now, staysOnUntil(runner, runner.idleSince ?? runner.statusSince));
  return waitMs <= 0 ? { sleep: true } : { sleep: false, why: 'too_soon', waitMs };
};
