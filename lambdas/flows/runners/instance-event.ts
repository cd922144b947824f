/** Events that EC2 sends about an instance: its state, or a notice that EC2 is about to reclaim it. */
import * as z from 'zod';
import { toInstant } from '../../../protocol/index.ts';
import { instanceState } from '../../adapters/runners/instance-facts.ts';
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

/** Warnings of EC2, two minutes or more before it reclaims a spot instance. */
export const instanceWarnings: readonly string[] = [
  'EC2 Spot Instance Interruption Warning',
  'EC2 Instance Rebalance Recommendation',
];

/**
 * Follows the later of the event and EC2's answer. A runner whose instance EC2 reclaims drains: its tasks
 * finish there or are handed back, by each template's setting, and waiting tasks go elsewhere. A later wake
 * ends that.
 */
export const followEvent = async (deps: FollowDeps, event: unknown): Promise<void> => {
  const { time, 'detail-type': kind = '', detail } = instanceEvent.parse(event);
  const runner = await deps.runners.findByInstance(detail['instance-id']);
  if (!runner) return;
  const described = await deps.instances.describe(runner);
  if (instanceWarnings.includes(kind)) {
    // Lambda retries it for minutes, so it may arrive after the instance has stopped and started again.
    if (described?.launchedAt !== undefined && time < described.launchedAt) return;
    deps.log.info('EC2 reclaims an instance; its runner drains', {
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
