/** Repairs by EC2's own lists: instances that no flow watches, and those that fail EC2's status checks. */
import { drainOf, isPoweredByStack, msBetween } from '../../../protocol/index.ts';
import type { InstanceFacts } from '../../adapters/runners/instance-facts.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { whyNotTheirs } from '../../core/runners/instance-owner.ts';
import { isAwake } from '../../core/runners/runner-state.ts';
import type { Pass } from '../reconcile/repairs.ts';
import { type FollowDeps, followInstance } from './instance-state.ts';
import { drainRunner } from './owner-requests.ts';

const idOf = ({ id }: Pick<RunnerRecord, 'id'>): string => id;

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

/** Instance of EC2's list, and the region of that list. */
export interface ListedInstance extends InstanceFacts {
  readonly region: string;
}

/** EC2's lists of the stack's instances and of those of awake runners, by instance id. */
export type Listed = ReadonlyMap<string, ListedInstance>;

/**
 * Lists the instances of the stack in each region, and asks by id for those of awake runners that the list
 * lacks: an instance without the stack's tag, or one that is off. When a list fails, its runners' instances
 * are described one by one.
 */
export const listInstances = async (
  deps: FollowDeps & { readonly stackName: string },
  awake: readonly RunnerRecord[],
  { each }: Pick<Pass, 'each'>,
): Promise<Listed> => {
  const listed = new Map<string, ListedInstance>();
  await each(regionsOf(deps, awake), String, async (region) => {
    const add = (all: readonly InstanceFacts[]) => {
      for (const facts of all) listed.set(facts.instanceId, { ...facts, region });
    };
    add(await deps.instances.listAwake({ region, stack: deps.stackName }));
    const missing = awake.flatMap((runner) => {
      const { instanceId, region: own = deps.region } = runner;
      const isHere = isPoweredByStack(runner) && own === region;
      return isHere && instanceId !== undefined && !listed.has(instanceId) ? [instanceId] : [];
    });
    if (missing.length > 0) add(await deps.instances.describeAll({ region, instanceIds: missing }));
  });
  return listed;
};

/** Returns the listed instances that are on and that no awake runner has, which is watched already. */
export const unwatched = (listed: Listed, awake: readonly RunnerRecord[]): ListedInstance[] => {
  const watched = new Set(awake.map(({ instanceId }) => instanceId));
  return [...listed.values()].filter(
    ({ instanceId, state }) => (state === 'pending' || state === 'running') && !watched.has(instanceId),
  );
};

/**
 * Handles an instance that is on while its runner counts as asleep: a start took effect late, and both EC2's
 * event and the agent's heartbeat were lost. It is described again, as the list may be old by now.
 */
export const followForgotten = async (
  deps: FollowDeps,
  { instanceId, launchedAt, region }: ListedInstance,
  repaired: Pass['repaired'],
): Promise<void> => {
  const runner = await deps.runners.findByInstance(instanceId);
  if (!runner) {
    // It may soon become a runner, so it is only logged.
    if (launchedAt !== undefined && msBetween(launchedAt, deps.now()) > setUpMs)
      deps.log.warn('An instance of the stack is on and is no runner', { instanceId, region, launchedAt });
    return;
  }
  if (isAwake(runner.status) || !isPoweredByStack(runner)) return;
  const facts = await deps.instances.describe(runner);
  if ((facts?.state !== 'pending' && facts?.state !== 'running') || whyNotTheirs(runner, facts)) return;
  await followInstance(deps, runner, facts, deps.now());
  repaired('forgotten_instance', { runnerId: runner.id, instanceId });
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
