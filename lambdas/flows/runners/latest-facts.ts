/** Which of two words about an instance holds: what EC2 has told, or what it answers when asked. */
import type { Instant } from '../../../protocol/index.ts';
import { type InstanceFacts, type InstanceState, instanceState } from '../../adapters/runners/instances.ts';

/** A state that an instance had at that time, by an event or an earlier answer. */
export interface Told {
  readonly instanceId: string;
  readonly state: InstanceState;
  readonly at: Instant;
}

/** The states are listed from a launch to the end that follows it. */
const isLater = (state: InstanceState, than: InstanceState): boolean =>
  instanceState.options.indexOf(state) > instanceState.options.indexOf(than);

/**
 * Either may be old: an event comes late or twice, and a describe may not show yet what an event tells (AWS: eventual consistency in
 * the EC2 API). Within one launch the later state holds. What was told before the launch that the describe shows is old; EC2 tells
 * whole seconds, and no instance stops in the second of its launch. One that is being terminated is never launched again. An event of
 * `running` has the time from which EC2 bills, which no describe tells.
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
