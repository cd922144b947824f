/** Repairs by EC2's own lists: instances that no flow watches, and those that fail EC2's status checks. */
import { drainOf, isPoweredByStack, msBetween } from '../../../protocol/index.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { whyNotTheirs } from '../../core/runners/instance-owner.ts';
import { isAwake } from '../../core/runners/runner-state.ts';
import type { Pass } from '../reconcile/repairs.ts';
import { type FollowDeps, followInstance } from './instance-state.ts';
import { drainRunner } from './owner-requests.ts';

const idOf = ({ id }: Pick<RunnerRecord, 'id'>): string => id;
const instanceOf = ({ instanceId }: { readonly instanceId: string }): string => instanceId;

/** Time for an operator to create a runner for an instance that was launched by hand. */
const setUpMs = 60 * 60_000;

/** Returns the regions of the stack, of its fleets, and of these runners' instances. */
export const regionsOf = (
  { region: home, fleets }: Pick<FollowDeps, 'region' | 'fleets'>,
  runners: readonly RunnerRecord[],
): string[] => [
  ...new Set([
    home,
    ...fleets.map(({ region }) => region),
    ...runners.filter(isPoweredByStack).map(({ region = home }) => region),
  ]),
];

/**
 * Finds instances of a region that are on while their runner counts as asleep: a start took effect late, and
 * both EC2's event and the agent's heartbeat were lost. `awake` are watched already.
 */
export const followForgotten = async (
  deps: FollowDeps & { readonly stackName: string },
  region: string,
  awake: readonly RunnerRecord[],
  { repaired, each }: Pass,
): Promise<void> => {
  const found = await deps.instances.listOn({ region, stack: deps.stackName });
  await each(found, instanceOf, async (facts) => {
    const { instanceId, launchedAt } = facts;
    if (awake.some((runner) => runner.instanceId === instanceId)) return;
    const runner = await deps.runners.findByInstance(instanceId);
    if (!runner) {
      // It may soon become a runner, so it is only logged.
      if (launchedAt !== undefined && msBetween(launchedAt, deps.now()) > setUpMs)
        deps.log.warn('An instance of the stack is on and is no runner', { instanceId, region, launchedAt });
      return;
    }
    if (isAwake(runner.status) || !isPoweredByStack(runner) || whyNotTheirs(runner, facts)) return;
    await followInstance(deps, runner, facts, deps.now());
    repaired('forgotten_instance', { runnerId: runner.id, instanceId });
  });
};

/**
 * Drains runners whose instance fails a status check: their tasks finish or are handed back, waiting tasks go
 * elsewhere. Their instances stop when idle, and start on other hardware with the next task.
 */
export const drainImpaired = async (
  deps: FollowDeps,
  region: string,
  awake: readonly RunnerRecord[],
  { repaired, each }: Pass,
): Promise<void> => {
  const here = awake.filter(
    (runner) => isPoweredByStack(runner) && (runner.region ?? deps.region) === region,
  );
  const candidates = here.filter((runner) => runner.status === 'online' && drainOf(runner) === undefined);
  if (candidates.length === 0) return;
  const impaired = await deps.instances.listImpaired({ region });
  const failing = candidates.filter(({ instanceId = '' }) => impaired.includes(instanceId));
  await each(failing, idOf, async (runner) => {
    const { id: runnerId, instanceId } = runner;
    if (await drainRunner(deps, runner)) repaired('impaired_instance_drained', { runnerId, instanceId });
  });
};
