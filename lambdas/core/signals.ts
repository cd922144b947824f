/** Signals for operators, computed from live items: for metrics and their alarms. */
import {
  type Instant,
  isIdle,
  isPoweredByStack,
  msBetween,
  type OpenSession,
  type Runner,
  type Task,
} from '../../protocol/index.ts';
import { staysOnUntil } from './runners/idle-policy.ts';

/** Returns the waiting time of the task that waits longest; undefined when none waits. */
export const oldestWaitingMs = (
  tasks: readonly Pick<Task, 'status' | 'createdAt'>[],
  now: Instant,
): number | undefined => {
  const waits = tasks
    .filter(({ status }) => status === 'waiting')
    .map(({ createdAt }) => msBetween(createdAt, now));
  return waits.length === 0 ? undefined : Math.max(0, ...waits);
};

/**
 * Tolerance beyond a runner's idle time, boot and stop, which the reconciler allows; after it money is lost.
 */
const toleranceMs = 15 * 60_000;

/** Returns runners whose instance is on after their idle time and the tolerance without work. */
export const withoutWork = <T extends Runner>(runners: readonly T[], now: Instant): T[] =>
  runners.filter(
    (runner) =>
      isPoweredByStack(runner) &&
      runner.session !== undefined &&
      isIdle(runner) &&
      msBetween(staysOnUntil(runner), now) > toleranceMs,
  );

const msPerHour = 3_600_000;

/**
 * Computes the US dollars that the sleep before a session saved; undefined for the first session and an
 * unknown price.
 */
export const savedBySleepUsd = (
  runner: { readonly lastSessionEndedAt?: Instant },
  session: Pick<OpenSession, 'startedAt'>,
  microUsdPerHour: number | undefined,
): number | undefined => {
  if (runner.lastSessionEndedAt === undefined || microUsdPerHour === undefined) return undefined;
  const asleepMs = Math.max(0, msBetween(runner.lastSessionEndedAt, session.startedAt));
  return (microUsdPerHour * asleepMs) / msPerHour / 1_000_000;
};
