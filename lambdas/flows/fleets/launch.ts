/** Launches an instance for a fleet's runner without one. */

import { type Instant, type Market, msBetween } from '../../../protocol/index.ts';
import { isThrottled } from '../../adapters/runners/ec2-errors.ts';
import type { LaunchedInstance } from '../../adapters/runners/runner-instances.ts';
import { fullIdOf, type Launch, type RunnerRecord } from '../../adapters/runners/runner-record.ts';
import type { StartOutcome } from '../../adapters/runners/start-instances.ts';
import { type FleetPlan, fleetOf } from '../../core/fleets/fleets.ts';
import { mayBeOnDemand } from '../../core/runners/start-failure.ts';
import type { Deps } from '../deps.ts';

export type LaunchDeps = Pick<Deps, 'now' | 'newId' | 'log' | 'runners' | 'instances' | 'fleets' | 'apiUrl'>;

/** No function lives longer: a launch that began before this time has been abandoned. */
export const launchTimeoutMs = 60_000;

/** Returns true while the call that launches the runner's instance may still be running. */
export const isBeingLaunched = ({ launch }: Pick<RunnerRecord, 'launch'>, now: Instant): boolean =>
  launch !== undefined && msBetween(launch.at, now) < launchTimeoutMs;

/** Finds the instance of a launch whose call was interrupted; undefined when there is none. */
export const findLaunched = async (
  deps: LaunchDeps,
  fleet: FleetPlan,
  runner: RunnerRecord,
): Promise<LaunchedInstance | undefined> => {
  const [found] = await deps.instances.listLaunched({
    ...fleet,
    apiUrl: deps.apiUrl,
    runner: fullIdOf(runner),
  });
  return found && { ...found, region: fleet.region };
};

const order = (deps: LaunchDeps, fleet: FleetPlan, runner: RunnerRecord, { id }: Launch, market: Market) =>
  deps.instances.launch({
    ...fleet,
    fleet: fleet.name,
    market,
    // Another market is another request, which EC2 would reject under the same token.
    clientToken: `${id}-${market}`,
    runner: fullIdOf(runner),
    apiUrl: deps.apiUrl,
  });

/** A spot fleet falls back to on-demand when EC2 refused a type and zone for a spot-only reason. */
const launch = async (deps: LaunchDeps, fleet: FleetPlan, runner: RunnerRecord, begun: Launch) => {
  const first = await order(deps, fleet, runner, begun, fleet.spot ? 'spot' : 'on-demand');
  if (first.launched || !fleet.spot || !mayBeOnDemand(first.awsCodes)) return first;
  deps.log.info('EC2 launches no spot instance; an on-demand one is ordered', {
    runnerId: runner.id,
    fleet: fleet.name,
    awsCodes: first.awsCodes,
    detail: first.detail,
  });
  return order(deps, fleet, runner, begun, 'on-demand');
};

/** Assigns the instance to the runner. If the runner has moved on, the reconciler terminates the instance. */
export const takeInstance = async (
  deps: LaunchDeps,
  runner: RunnerRecord,
  begun: Launch,
  launched: LaunchedInstance,
): Promise<void> => {
  const { instanceId, region, instanceType, market } = launched;
  // First, so that EC2's events about the instance and its own agent find the runner.
  await deps.runners.bind(instanceId, runner);
  const taken = await deps.runners.takeInstance(runner, begun, {
    instanceId,
    region,
    ...(instanceType && { instanceType }),
    ...(market && { market }),
  });
  const about = { runnerId: runner.id, instanceId, region, instanceType, market };
  deps.log.info(taken ? 'Launched an instance' : 'Launched an instance that no runner waits for', about);
};

/**
 * Launches an instance for a runner that is starting. The order is recorded before. With `again` the
 * recording call counts as dead: the instance is looked for first, then the order is repeated under its
 * token, which launches no second one. `moved_on`: another call launches, or the runner no longer starts.
 */
export const launchInstance = async (
  deps: LaunchDeps,
  runner: RunnerRecord,
  { again = false }: { readonly again?: boolean } = {},
): Promise<StartOutcome | { readonly started: false; readonly code: 'moved_on' }> => {
  const fleet = fleetOf(deps.fleets, runner);
  if (!fleet) {
    const detail = `The fleet ${runner.fleet} is not in cdk.json.`;
    return { started: false, code: 'refused', awsCode: 'unknown_fleet', detail };
  }
  if (runner.launch && !again) return { started: false, code: 'moved_on' };
  const found = runner.launch && (await findLaunched(deps, fleet, runner));
  const noted =
    runner.launch ??
    (await deps.runners.beginLaunch(runner, { id: deps.newId('lch'), at: deps.now() }))?.launch;
  if (!noted) return { started: false, code: 'moved_on' };
  if (found) {
    await takeInstance(deps, runner, noted, found);
    return { started: true };
  }
  try {
    const outcome = await launch(deps, fleet, runner, noted);
    if (outcome.launched) {
      await takeInstance(deps, runner, noted, { ...outcome, region: fleet.region });
      return { started: true };
    }
    await deps.runners.endLaunch(runner, noted);
    return { started: false, code: 'refused', awsCode: outcome.awsCode, detail: outcome.detail };
  } catch (error) {
    if (isThrottled(error)) await deps.runners.endLaunch(runner, noted);
    throw error;
  }
};
