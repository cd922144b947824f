/** Facts about an EC2 instance, from EC2's description of it. */
import type { Instance } from '@aws-sdk/client-ec2';
import * as z from 'zod';
import { type Instant, type Market, toInstant } from '../../../protocol/index.ts';
import type { OwnedFacts } from '../../core/runners/instance-owner.ts';
import { tagsOf } from '../fleets/launches.ts';

/** States of an instance, in order from launch to termination. */
export const instanceState = z.enum([
  'pending',
  'running',
  'stopping',
  'stopped',
  'shutting-down',
  'terminated',
]);
export type InstanceState = z.infer<typeof instanceState>;

export interface InstanceFacts extends OwnedFacts {
  readonly instanceId: string;
  readonly state: InstanceState;
  readonly instanceType: string | undefined;
  readonly market?: Market;
  /** Availability zone. */
  readonly zone?: string;
  /** Stack in the instance's tag: only that stack may start and stop it. */
  readonly stack: string | undefined;
  readonly launchedAt: Instant | undefined;
  /** Known from EC2's event only. */
  readonly runningAt?: Instant;
  /** Reason for the state, in AWS's words. */
  readonly stateReason: string | undefined;
}

/** Instance that a fleet launched, and its runner. */
export interface LaunchedFacts extends InstanceFacts {
  readonly fleet: string;
  /** `{pool}/{id}` */
  readonly runner: string;
}

/** Returns the value of a tag. */
export const tagOf = ({ Tags = [] }: Instance, key: string): string | undefined =>
  Tags.find(({ Key }) => Key === key)?.Value;

/** Returns the facts; undefined for a description without an id or a known state. */
export const factsOf = (found: Instance | undefined): InstanceFacts | undefined => {
  const { data: state } = instanceState.safeParse(found?.State?.Name);
  if (!found?.InstanceId || !state) return undefined;
  return {
    instanceId: found.InstanceId,
    state,
    instanceType: found.InstanceType,
    stack: found.Tags?.find(({ Key }) => Key === tagsOf.stack)?.Value,
    launchedAt: found.LaunchTime && toInstant(found.LaunchTime.getTime()),
    stateReason: found.StateReason?.Message,
    market: found.InstanceLifecycle === 'spot' ? 'spot' : 'on-demand',
    zone: found.Placement?.AvailabilityZone,
    owner: tagOf(found, tagsOf.project),
  };
};
