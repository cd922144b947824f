/** Follows EC2's events about instances: changes of state, and warnings before EC2 reclaims one. */
import type { EventBridgeEvent } from 'aws-lambda';
import { readConfig } from '../config.ts';
import { followEvent } from '../flows/runners/instance-event.ts';
import { followVariables, wireFollowing } from '../wiring.ts';

const deps = wireFollowing(readConfig(followVariables, process.env));

export const handler = async (event: EventBridgeEvent<string, unknown>): Promise<void> =>
  followEvent(deps, event);
