/** Chooses the later of two facts about an instance: EC2's event, or EC2's answer to a describe call. */
import type { Instant } from '../../../protocol/index.ts';
import {
  type InstanceFacts,
  type InstanceState,
  instanceState,
} from '../../adapters/runners/instance-facts.ts';

/** A state that an instance had at that time, by an event or an earlier answer. */
export interface Told {
  readonly instanceId: string;
  readonly state: InstanceState;
  readonly at: Instant;
}

/** Compares two states; `options` lists them from a launch to the end that follows. */
const isLater = (state: InstanceState, than: InstanceState): boolean =>
  instanceState.options.indexOf(state) > instanceState.options.indexOf(than);

/**
 * Either may be old: an event may come late or twice, and a describe may lag behind an event (AWS: eventual
 * consistency in the EC2 API). Within one launch the later state wins. A state from before the described
 * launch is old; EC2 reports whole seconds, and no instance stops in the second of its launch. A terminating
 * instance is never launched again. A `running` event has the time from which EC2 bills, which no describe
 * shows.
 */
export const latestFacts = (
  described: InstanceFacts | undefined,
  { instanceId, state, at }: Told,
): InstanceFacts | undefined => {
  const isFinal = isLater(state, 'stopped');
  if (!described) {
    if (!isFinal) return undefined;
    const unknown = {
      instanceType: undefined,
      stack: undefined,
      launchedAt: undefined,
      stateReason: undefined,
    };
    return { instanceId, state, ...unknown };
  }
  const isOfThisLaunch = isFinal || (described.launchedAt !== undefined && described.launchedAt < at);
  const latest = isOfThisLaunch && isLater(state, described.state) ? { ...described, state } : described;
  const beganToRun = state === 'running' && described.launchedAt !== undefined && described.launchedAt <= at;
  return beganToRun ? { ...latest, runningAt: at } : latest;
};
