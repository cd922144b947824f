/** Selects the runner for a waiting task, and shows whether it must be woken. */
import { drainOf, hasInstances, type Runner, type RunnerStatus } from '../../../protocol/index.ts';
import { tablePrices } from '../costs/prices.ts';
import { load, room } from '../runners/slots.ts';

/**
 * True when a start event can wake it: it has an instance, a fleet, or a webhook whose receiver starts it.
 */
export const canWake = (runner: Pick<Runner, 'instanceId' | 'webhookUrl' | 'fleet'>): boolean =>
  hasInstances(runner) || runner.webhookUrl !== undefined;

const asleep: ReadonlySet<RunnerStatus> = new Set(['stopped', 'offline']);

/**
 * Soonest ready first: running, starting, draining, asleep, and last those that must stop before they start.
 */
const byStatus: Readonly<Record<RunnerStatus, number>> = {
  online: 0,
  starting: 1,
  draining: 2,
  stopped: 3,
  offline: 3,
  stopping: 4,
};

/** Runners that need a launch come last: a new machine installs itself, and costs a volume. */
const readiness = (runner: Runner): number =>
  asleep.has(runner.status) && runner.fleet !== undefined && runner.instanceId === undefined
    ? 5
    : byStatus[runner.status];

/**
 * A disk that was low when its agent started stays low after a restart; one that a task filled may be empty
 * by then.
 */
const hasDisk = ({ lowDisk, status }: Runner): boolean =>
  lowDisk === undefined || (!lowDisk.atStart && status !== 'online' && status !== 'draining');

/** Reason why a runner can't be given a task. */
export type Obstacle =
  | 'inactive'
  | 'quarantined'
  | 'low_disk'
  | 'drain_asked'
  | 'drain_announced'
  | 'offline';

/** Returns the obstacle to an assignment; undefined when there is none. */
export const obstacleTo = (runner: Runner): Obstacle | undefined => {
  if (!runner.active) return 'inactive';
  if (runner.quarantinedAt !== undefined) return 'quarantined';
  if (!hasDisk(runner)) return 'low_disk';
  const drain = drainOf(runner);
  if (drain !== undefined) return `drain_${drain}`;
  return asleep.has(runner.status) && !canWake(runner) ? 'offline' : undefined;
};

/** True when it can be assigned a task. */
export const canServe = (runner: Runner): boolean => obstacleTo(runner) === undefined;

type Ranking = (runner: Runner) => number;

const inOrder =
  (...rankings: readonly Ranking[]) =>
  (a: Runner, b: Runner): number => {
    for (const ranking of rankings) {
      const difference = ranking(a) - ranking(b);
      if (difference !== 0) return difference;
    }
    return a.id < b.id ? -1 : 1;
  };

const hasFault: Ranking = (runner) => (runner.fault === undefined ? 0 : 1);
/** Prefers the busiest runner with room, so that the others can sleep. */
const leastRoom: Ranking = (runner) => -load(runner);
/** Uses the table alone: the ranking is between otherwise equal runners, and not worth a read per task. */
const cheapest: Ranking = (runner) =>
  tablePrices(runner.region ?? 'us-east-1', runner.instanceType)?.microUsdPerHour ?? Number.MAX_SAFE_INTEGER;

const soonest = inOrder(hasFault, readiness, leastRoom, cheapest);

/**
 * Selects the runner with room that is soonest ready, so a stopped runner is woken only when no running or
 * starting one has room. Undefined: none has room, or none can take a task.
 */
export const chooseRunner = (runners: readonly Runner[]): Runner | undefined =>
  runners.filter((runner) => canServe(runner) && room(runner) > 0).sort(soonest)[0];
