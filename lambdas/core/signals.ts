/** What an operator watches, computed from what is live: for metrics and the alarms on them. */
import { type Instant, msBetween, type OpenSession, type Runner, type Task } from '../../protocol/index.ts';
import { staysOnUntil } from './runners/idle-policy.ts';
import { isIdle } from './runners/slots.ts';
import { isPoweredByStack } from './tasks/select-runner.ts';

/** How long the task that waits longest has waited; undefined when none waits. */
export const oldestWaitingMs = (
  tasks: readonly Pick<Task, 'status' | 'createdAt'>[],
  now: Instant,
): number | undefined => {
  const waits = tasks
    .filter(({ status }) => status === 'waiting')
    .map(({ createdAt }) => msBetween(createdAt, now));
  return waits.length === 0 ? undefined : Math.max(0, ...waits);
};

/** Beyond a runner's idle time, and the boot and the stop that the reconciler gives time: from then on it is money lost. */
const toleranceMs = 15 * 60_000;

/** Runners whose instance is on though they had no work for longer than their idle time and the tolerance. */
export const withoutWork = <T extends Runner>(runners: readonly T[], now: Instant): T[] =>
  runners.filter(
    (runner) =>
      isPoweredByStack(runner) &&
      runner.session !== undefined &&
      isIdle(runner) &&
      msBetween(staysOnUntil(runner), now) > toleranceMs,
  );

const msPerHour = 3_600_000;

/** US dollars that the sleep before a session has saved at that price; undefined for the first session and for a price that is not known. */
export const savedBySleepUsd = (
  runner: { readonly lastSessionEndedAt?: Instant | undefined },
  session: Pick<OpenSession, 'startedAt'>,
  microUsdPerHour: number | undefined,
): number | undefined => {
  if (runner.lastSessionEndedAt === undefined || microUsdPerHour === undefined) return undefined;
  const asleepMs = Math.max(0, msBetween(runner.lastSessionEndedAt, session.startedAt));
  return (microUsdPerHour * asleepMs) / msPerHour / 1_000_000;
};
