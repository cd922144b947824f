/**
 * Repairs lost work: finds it among the live items, and repeats it. Safe to run in parallel. It reads in
 * batches, and by these decides only what needs a look; each repair decides by conditional writes. A pass
 * that runs out of time stops, and the next one goes on there.
 */
import { addMs, type Instant, msBetween } from '../../../protocol/index.ts';
import type { PassPlace, PassPlaceStore, PassPlaces } from '../../adapters/pass-places.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { fleetsByRegion } from '../../core/fleets/fleets.ts';
import { rankOf } from '../../core/tasks/order.ts';
import { hasLeftQueue } from '../../core/webhooks/retry-policy.ts';
import { keepPrices, type PriceDeps } from '../costs/refresh-prices.ts';
import type { Deps } from '../deps.ts';
import { endOrphans } from '../fleets/reconcile.ts';
import type { FollowDeps } from '../runners/instance-state.ts';
import { startLeft, startRegions } from '../runners/start-turns.ts';
import {
  drainImpaired,
  followForgotten,
  listInstances,
  regionsOf,
  unwatched,
} from '../runners/watch-instances.ts';
import { limitRepairs } from '../tasks/repair-limits.ts';
import { correctPlaces, dropStale, hasDoubtful, hasWrongPlaces } from './assigned.ts';
import { type LanePlace, runLane, type Step, step } from './lane.ts';
import { addRepairs, beginPass, type Repairs } from './repairs.ts';
import { roomLookup } from './rooms.ts';
import { awaitsQueues, makeAwaitedQueues, needsLook, reconcileRunner } from './runners.ts';
import { isLapsed } from './silence.ts';
import { type Assignees, readAssignees, reconcileTask } from './tasks.ts';

export type ReconcileDeps = FollowDeps &
  PriceDeps &
  Pick<Deps, 'retryWebhook'> & { readonly stackName: string; readonly passPlaces: PassPlaceStore };

/** Lanes of a pass, the urgent ones first: others wait for the tasks of silent agents. */
const laneNames = ['silent', 'runners', 'tasks', 'other'] as const satisfies (keyof PassPlaces)[];

/**
 * Time at which a lane stops, from the begin of the pass. The function has a minute, and repairs under way
 * must end. Each lane has its share, so that a slow EC2 or a thousand lost tasks hold up no other lane.
 */
const stopsAfterMs = { silent: 15_000, runners: 27_000, tasks: 39_000, other: 45_000 } as const;

/** A lane that has not reached its end for this long is an error, for the alarm. */
const lateMs = 5 * 60_000;

export const reconcile = async (deps: ReconcileDeps): Promise<Repairs> => {
  const begin = deps.now();
  const repairs: Repairs = {};
  const places = await deps.passPlaces.get();
  const lanes = await lanesOf(deps, repairs);
  for (const name of laneNames) await run(deps, name, lanes[name], { begin, places, repairs });
  return repairs;
};

interface Run {
  readonly begin: Instant;
  readonly places: PassPlaces;
  readonly repairs: Repairs;
}

/** Runs a lane from where it stopped, and records where it stops. */
const run = async (
  deps: ReconcileDeps,
  name: keyof PassPlaces,
  steps: readonly Step[],
  { begin, places, repairs }: Run,
): Promise<void> => {
  const { now, log, passPlaces } = deps;
  const before: PassPlace | undefined = places[name];
  const since = before?.since ?? begin;
  const until = addMs(begin, stopsAfterMs[name]);
  const keep = (place: LanePlace) => passPlaces.keep(name, { ...place, since });
  const place = await runLane({ log, steps, from: before, hasTime: () => now() < until, keep }, repairs);
  if (!place && before) await passPlaces.keep(name, undefined);
  if (!place) return;
  const about = { lane: name, since, ...place };
  log.info('The reconciler ran out of time, and goes on there in the next pass', about);
  if (msBetween(since, now()) > lateMs)
    log.error('The reconciler has not reached the end of its work for five minutes', about);
};

const idOf = ({ id }: { readonly id: string }) => id;

/** Reads all live items, and returns what may need a repair. */
const lanesOf = async (
  deps: ReconcileDeps,
  repairs: Repairs,
): Promise<Readonly<Record<keyof PassPlaces, readonly Step[]>>> => {
  // The tasks first: a runner that has one of them got its slot before, and is read with it.
  const tasks = await deps.tasks.listLive();
  const readAt = deps.now();
  const runners = await deps.runners.listAwake();
  const deliveries = await deps.deliveries.listPending();
  const reading = beginPass(deps.log);
  const listed = await listInstances(deps, runners, reading);
  addRepairs(repairs, reading.repairs);

  const suspects = new Set(
    runners.filter((runner) => needsLook(deps, runner, listed.get(runner.instanceId ?? ''))),
  );
  const settled = runners.filter((runner) => !suspects.has(runner));
  const live = new Map(tasks.map((task) => [task.id, task]));
  const limits = limitRepairs(deps, tasks);
  const isSilent = (runner: RunnerRecord) => runner.status === 'online' && isLapsed(runner, readAt);
  const looks = (name: string, which: (runner: RunnerRecord) => boolean) =>
    step(
      name,
      () => [...suspects].filter(which),
      idOf,
      (runner, { repaired }) => reconcileRunner(deps, runner, repaired),
    );
  const ofTasks = [
    step(
      'queues',
      () => runners.filter((runner) => awaitsQueues(runner, deps.now())),
      idOf,
      (runner, { repaired }) => makeAwaitedQueues(deps, runner, repaired),
    ),
    step(
      'assigned',
      () => runners.filter((runner) => hasDoubtful(live, runner)),
      idOf,
      (runner, { repaired }) => dropStale(deps, live, runner, repaired),
    ),
    step(
      'places',
      () => runners.filter(hasWrongPlaces),
      idOf,
      (runner, { repaired }) => correctPlaces(deps, live, runner, repaired),
    ),
    tasksStep(deps, tasks, () => readAssignees(deps, tasks, settled, readAt)),
  ];
  const other = [
    step(
      'forgotten',
      () => unwatched(listed, runners),
      ({ instanceId }) => instanceId,
      (instance, { repaired }) => followForgotten(deps, instance, repaired),
    ),
    step(
      'impaired',
      () => regionsOf(deps, runners),
      String,
      (region, pass) => drainImpaired(deps, region, runners, pass),
    ),
    step(
      'orphans',
      () => fleetsByRegion(deps.fleets),
      ([{ region }]) => region,
      (fleets, pass) => endOrphans(deps, fleets, runners, pass),
    ),
    step('limits', limits.list, ({ ref }) => ref.ownerId, limits.repair),
    step(
      'deliveries',
      () => deliveries.filter((delivery) => hasLeftQueue(delivery, deps.now())),
      idOf,
      async (delivery, { repaired }) => {
        await deps.retryWebhook(delivery);
        repaired('delivery_sent_again', { deliveryId: delivery.id });
      },
    ),
    // Last, as it may wait for a response.
    step(
      'prices',
      () => [runners],
      () => 'prices',
      (awake) => keepPrices(deps, awake),
    ),
  ];
  return {
    silent: [looks('silent', isSilent)],
    runners: [startsStep(deps, runners), looks('runners', (runner) => !isSilent(runner))],
    tasks: ofTasks,
    other,
  };
};

/** Starts that wait for a batch, by region: the function that was to see to them may have died. */
const startsStep = (deps: ReconcileDeps, runners: readonly RunnerRecord[]): Step =>
  step(
    'starts',
    () => startRegions(deps, runners),
    String,
    async (region, { repaired }) => {
      if (await startLeft(deps, region)) repaired('left_starts_taken_up', { region });
    },
  );

/** Repairs of tasks, in the order in which they start. */
const tasksStep = (
  deps: ReconcileDeps,
  tasks: readonly TaskRecord[],
  read: () => Promise<Assignees>,
): Step => {
  const rooms = roomLookup(deps);
  return step(
    'tasks',
    async () => {
      const assignees = await read();
      return tasks.map((task) => ({ task, assignees }));
    },
    ({ task }) => task.id,
    ({ task, assignees }, { repaired }) => reconcileTask(deps, task, assignees, rooms, repaired),
    ({ task }) => rankOf(task),
  );
};
