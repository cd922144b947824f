/** Repairs launches of fleets: those whose call was interrupted, and instances without a runner. */
import { isWanted, msBetween } from '../../../protocol/index.ts';
import type { LaunchedFacts } from '../../adapters/runners/instance-facts.ts';
import { type RunnerRecord, runnerIn } from '../../adapters/runners/runner-record.ts';
import { UnreadableItem } from '../../adapters/unreadable-item.ts';
import { type FleetPlan, fleetOf } from '../../core/fleets/fleets.ts';
import { isTimeToRetry } from '../../core/runners/start-failure.ts';
import type { Pass } from '../reconcile/repairs.ts';
import { type FollowDeps, followInstance } from '../runners/instance-state.ts';
import { leaveRunner } from '../runners/leave.ts';
import { wake } from '../runners/power.ts';
import { findLaunched, isBeingLaunched, launchTimeoutMs, takeInstance } from './launch.ts';

type Repaired = Pass['repaired'];

/** Repairs a runner that is awake without an instance: repeats its launch, or calls it off. */
export const reconcileLaunch = async (
  deps: FollowDeps,
  runner: RunnerRecord,
  repaired: Repaired,
): Promise<void> => {
  const now = deps.now();
  if (runner.status !== 'starting') return followInstance(deps, runner, undefined, now);
  if (isBeingLaunched(runner, now)) return;
  if (!isWanted(runner) || runner.quarantinedAt) return callOff(deps, runner, repaired);
  if (!isTimeToRetry(runner, now)) return;
  await wake(deps, runner, { again: true });
  if (runner.launch) repaired('launch_done_again', { runnerId: runner.id });
};

/** Puts a runner without work to sleep, unless an instance was launched for it: it takes that first. */
const callOff = async (deps: FollowDeps, runner: RunnerRecord, repaired: Repaired): Promise<void> => {
  const fleet = fleetOf(deps.fleets, runner);
  const found = runner.launch && fleet && (await findLaunched(deps, fleet, runner));
  if (runner.launch && found) {
    await takeInstance(deps, runner, runner.launch, found);
    return;
  }
  if (runner.launch) await deps.runners.endLaunch(runner, runner.launch);
  const asleep = runner.quarantinedAt
    ? await leaveRunner(deps, runner, ['starting'], 'stopped')
    : await deps.runners.move(runner, ['starting'], 'stopped', deps.now(), { idle: true });
  if (asleep) repaired('launch_called_off', { runnerId: runner.id });
};

const instanceOf = ({ instanceId }: LaunchedFacts): string => instanceId;
const isOn = ({ state }: LaunchedFacts): boolean => state === 'pending' || state === 'running';

/** Returns true for its runner's instance, during a recorded launch, and for an unreadable runner. */
const isLookedAfter = async (deps: FollowDeps, facts: LaunchedFacts): Promise<boolean> => {
  const { pool, id } = runnerIn(facts.runner);
  try {
    const runner = await deps.runners.get(pool, id);
    return runner?.instanceId === facts.instanceId || runner?.launch !== undefined;
  } catch (error) {
    if (error instanceof UnreadableItem) return true;
    throw error;
  }
};

/**
 * Terminates instances in a region that fleets of this control plane launched and no runner has: the runner
 * was removed, or the call was interrupted and the runner has moved on. `awake` are runners known to be
 * awake, whose instances need no check.
 */
export const endOrphans = async (
  deps: FollowDeps,
  fleets: readonly [FleetPlan, ...FleetPlan[]],
  awake: readonly RunnerRecord[],
  { repaired, each }: Pass,
): Promise<void> => {
  const [{ region }] = fleets;
  const bound = new Set(awake.map(({ instanceId }) => instanceId));
  const isSettled = ({ launchedAt }: LaunchedFacts) =>
    launchedAt !== undefined && msBetween(launchedAt, deps.now()) > 2 * launchTimeoutMs;
  const launched = (await deps.instances.listLaunched({ ...fleets[0], apiUrl: deps.apiUrl })).filter(
    (facts) => !bound.has(facts.instanceId) && isSettled(facts),
  );
  for (const fleet of fleets) {
    const ofFleet = launched.filter((facts) => facts.fleet === fleet.name);
    const names = ofFleet.length === 0 ? new Set() : await deps.fleetPlaces.names(fleet.name);
    await each(ofFleet, instanceOf, async (facts) => {
      // An instance that is off belongs to a runner that sleeps.
      if (names.has(facts.runner) && (!isOn(facts) || (await isLookedAfter(deps, facts)))) return;
      await deps.instances.terminate({ instanceId: facts.instanceId, region });
      repaired('orphan_terminated', { instanceId: facts.instanceId, region, runner: facts.runner });
    });
  }
};
