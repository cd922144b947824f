/** Refusals of actions on a runner: the reason, and the remedy. */
import type { Context } from 'hono';
import { isPoweredByStack, type Runner, type RunnerInput } from '../../../protocol/index.ts';
import type { FleetPlan } from '../../core/fleets/fleets.ts';
import { refuse } from '../refuse.ts';

const justChanged = 'The runner has just changed. Check its state, then try again.';

export const refuseTaken = (c: Context, instanceId: string | undefined) =>
  refuse(c, 'instance_taken', `${instanceId} is bound to another runner. Unbind or remove that one first.`);

export const refuseFleet = (c: Context, name: string, fleets: readonly FleetPlan[]) =>
  refuse(
    c,
    'invalid_reference',
    fleets.length === 0
      ? 'This stack has no fleets. Add one to cdk.json, and deploy.'
      : `There is no fleet ${name}. There are: ${fleets.map((one) => one.name).join(', ')}.`,
    [{ path: 'fleet', message: 'must be the name of a fleet in cdk.json' }],
  );

export const refuseFull = (c: Context, { name, maxInstances }: FleetPlan, used: number, count: number) =>
  refuse(
    c,
    'fleet_full',
    `The fleet ${name} has ${used} of at most ${maxInstances} ${maxInstances === 1 ? 'runner' : 'runners'}, so ${count} more ${count === 1 ? 'does' : 'do'} not fit. Remove one of its runners, or raise its maxInstances in cdk.json and deploy.`,
  );

/** A runner never leaves its fleet, and the fleet chooses its instance and region. */
export const whyNotOfFleet = (before: Runner, { fleet, instanceId, region, webhookUrl }: RunnerInput) => {
  if (fleet !== before.fleet)
    return { path: 'fleet', message: 'must stay as it is: make another runner, and remove this one' };
  if (fleet === undefined) return undefined;
  if (instanceId !== undefined && instanceId !== before.instanceId)
    return { path: 'instanceId', message: 'must not be given: the fleet launches the instance' };
  if (region !== undefined && region !== before.region)
    return { path: 'region', message: 'must not be given: it is that of the fleet' };
  return webhookUrl === undefined
    ? undefined
    : { path: 'webhookUrl', message: 'must not be given: the stack powers the instances of a fleet' };
};

/** While its instance may be on, a runner stays bound to it; otherwise nothing would stop the instance. */
export const rebinds = (before: Runner, { instanceId, region, webhookUrl }: RunnerInput): boolean =>
  before.instanceId !== undefined &&
  (before.instanceId !== instanceId || before.region !== region || before.webhookUrl !== webhookUrl);

/** Refusal of a change that tasks prevent; undefined when there are none. */
const tasksOf = ({ slots, assigned }: Runner): string | undefined => {
  const tasks = [...new Set([...slots, ...assigned])];
  return tasks.length > 0
    ? `Tasks run on it or are assigned to it: ${tasks.join(', ')}. Stop these tasks, or wait until they have ended.`
    : undefined;
};

export const whyNotRemoved = (runner: Runner): string =>
  tasksOf(runner) ?? `It is ${runner.status}. Make it inactive and wait until it is stopped or offline.`;

export const whyNotAsleep = (runner: Runner): string => {
  if (!isPoweredByStack(runner))
    return 'The stack does not start and stop the machine of this runner. Stop the machine yourself.';
  return (
    tasksOf(runner) ??
    (runner.status === 'online'
      ? justChanged
      : `The runner is ${runner.status}; only a runner that is online can be put to sleep.`)
  );
};

export const whyNotWoken = (runner: Runner): string => {
  if (!isPoweredByStack(runner))
    return 'The stack does not start and stop the machine of this runner. Start the machine yourself.';
  if (runner.quarantinedAt !== undefined)
    return `The runner is in quarantine: ${runner.fault?.detail ?? 'it did not start.'} Fix this, then save the runner as active.`;
  return runner.active ? justChanged : 'The runner is inactive. Activate it first.';
};
