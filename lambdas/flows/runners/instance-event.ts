/** What EC2 tells of an instance of its own accord: its state, or that it is about to take it back. */
import * as z from 'zod';
import { toInstant } from '../../../protocol/index.ts';
import { instanceState } from '../../adapters/runners/instances.ts';
import { type FollowDeps, followInstance } from './instance-state.ts';
import { latestFacts } from './latest-facts.ts';
import { drainRunner } from './owner-requests.ts';

/**
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/rebalance-recommendations.html
 */
const instanceEvent = z.object({
  time: z.string().transform((time) => toInstant(Date.parse(time))),
  'detail-type': z.string().optional(),
  detail: z.object({ 'instance-id': z.string(), state: instanceState.optional().catch(undefined) }),
});

/** What EC2 warns of, two minutes or more before it takes a spot instance back. */
export const instanceWarnings: readonly string[] = [
  'EC2 Spot Instance Interruption Warning',
  'EC2 Instance Rebalance Recommendation',
];

/**
 * Follows the later of what the event and EC2 tell. A runner whose instance EC2 wants back drains: what it holds finishes there or is
 * handed back, as each template says, and what waits for it goes elsewhere. Waking it later ends that.
 */
export const followEvent = async (deps: FollowDeps, event: unknown): Promise<void> => {
  const { time, 'detail-type': kind = '', detail } = instanceEvent.parse(event);
  const runner = await deps.runners.findByInstance(detail['instance-id']);
  if (!runner) return;
  const described = await deps.instances.describe(runner);
  if (instanceWarnings.includes(kind)) {
    // Tried again by Lambda for minutes, it may come when the instance has stopped and started since.
    if (described?.launchedAt !== undefined && time < described.launchedAt) return;
    deps.log('EC2 wants an instance back; its runner drains', {
      runnerId: runner.id,
      instanceId: runner.instanceId,
      kind,
    });
    await drainRunner(deps, runner);
    return;
  }
  if (detail.state === undefined) return followInstance(deps, runner, described, deps.now());
  const told = { instanceId: detail['instance-id'], state: detail.state, at: time };
  const facts = latestFacts(described, told);
  await followInstance(deps, runner, facts, facts?.state === told.state ? told.at : deps.now());
};
