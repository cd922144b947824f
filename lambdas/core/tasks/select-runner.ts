/** The choice of the runner that shall owe a waiting task, and whether it has to be woken for it. */
import { drainOf, type Runner, type RunnerStatus } from '../../../protocol/index.ts';
import { tablePrices } from '../costs/prices.ts';
import { load, room } from '../runners/slots.ts';

type Powered = Pick<Runner, 'instanceId' | 'webhookUrl' | 'fleet'>;

/** Whether instances run for it; those of a fleet come and go. */
export const hasInstances = ({ instanceId, fleet }: Pick<Runner, 'instanceId' | 'fleet'>): boolean =>
  instanceId !== undefined || fleet !== undefined;

/** Whether a start event can bring it up: there is an instance to start, or a fleet to launch one, or someone who starts it on a webhook. */
export const canWake = (runner: Powered): boolean => hasInstances(runner) || runner.webhookUrl !== undefined;

/** Whether the stack itself starts and stops its instance, rather than a webhook's receiver elsewhere. */
export const isPoweredByStack = (runner: Powered): boolean =>
  hasInstances(runner) && runner.webhookUrl === undefined;

const asleep: ReadonlySet<RunnerStatus> = new Set(['stopped', 'offline']);

/** Soonest first: what runs, what comes up, what has not gone yet, what sleeps, what has to stop before it can start. */
const byStatus: Readonly<Record<RunnerStatus, number>> = {
  online: 0,
  starting: 1,
  draining: 2,
  stopped: 3,
  offline: 3,
  stopping: 4,
};

/** After all others what has to be launched: a new machine installs itself, and costs a volume. */
const readiness = (runner: Runner): number =>
  asleep.has(runner.status) && runner.fleet !== undefined && runner.instanceId === undefined
    ? 5
    : byStatus[runner.status];

/** A disk that was low at the start of its agent is so at the next one too; one that a task filled may be empty by then. */
const hasDisk = ({ lowDisk, status }: Runner): boolean =>
  lowDisk === undefined || (!lowDisk.atStart && status !== 'online' && status !== 'draining');

/** What keeps a runner from being given a task. */
export type Obstacle =
  | 'inactive'
  | 'quarantined'
  | 'low_disk'
  | 'drain_asked'
  | 'drain_announced'
  | 'offline';

/** Why a runner can't be made to owe a task; undefined when it can. */
export const obstacleTo = (runner: Runner): Obstacle | undefined => {
  if (!runner.active) return 'inactive';
  if (runner.quarantinedAt !== undefined) return 'quarantined';
  if (!hasDisk(runner)) return 'low_disk';
  const drain = drainOf(runner);
  if (drain !== undefined) return `drain_${drain}`;
  return asleep.has(runner.status) && !canWake(runner) ? 'offline' : undefined;
};

/** Whether it can be made to owe a task. */
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
/** The busiest that has room, so that the others can sleep. */
const leastRoom: Ranking = (runner) => -load(runner);
/** By the table alone: it is between runners that are alike in all else, and not worth a read for each task. */
const cheapest: Ranking = (runner) =>
  tablePrices(runner.region ?? 'us-east-1', runner.instanceType)?.microUsdPerHour ?? Number.MAX_SAFE_INTEGER;

const withRoom = inOrder(hasFault, readiness, leastRoom, cheapest);
const whenFull = inOrder(hasFault, (runner) => -room(runner), readiness);

/**
 * The runner that shall owe the task: one with room that is soonest ready, so a stopped runner is woken only when no
 * running or starting one has room; when all are full, the one with the shortest line. Undefined: nobody can.
 */
export const chooseRunner = (runners: readonly Runner[]): Runner | undefined => {
  const able = runners.filter(canServe);
  const free = able.filter((runner) => room(runner) > 0);
  return free.length > 0 ? free.sort(withRoom)[0] : able.sort(whenFull)[0];
};
