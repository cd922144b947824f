/** Follows EC2's state changes. An event is a doorbell: what counts is the state that EC2 tells when asked. */
import type { EventBridgeEvent } from 'aws-lambda';
import * as z from 'zod';
import { toInstant } from '../../protocol/index.ts';
import { readConfig } from '../config.ts';
import { followInstance } from '../flows/instance-state.ts';
import { followVariables, wireFollowing } from '../wiring.ts';

const deps = wireFollowing(readConfig(followVariables, process.env));

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html */
const stateChange = z.object({
  time: z.string(),
  detail: z.object({ 'instance-id': z.string(), state: z.string() }),
});

export const handler = async (event: EventBridgeEvent<string, unknown>): Promise<void> => {
  const { time, detail } = stateChange.parse(event);
  const runner = await deps.runners.findByInstance(detail['instance-id']);
  if (!runner) return;
  const facts = await deps.instances.describe(runner);
  const isCurrent = facts?.state === detail.state;
  await followInstance(deps, runner, facts, isCurrent ? toInstant(Date.parse(time)) : deps.now());
};
