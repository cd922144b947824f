/** EC2 instances of runners. */
import {
  CreateFleetCommand,
  DescribeInstancesCommand,
  DescribeSubnetsCommand,
  EC2ServiceException,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { goneCode } from '../../core/runners/start-failure.ts';
import {
  fleetRequest,
  type LaunchOrder,
  type LaunchOutcome,
  launchOutcome,
  tagsOf,
} from '../fleets/launches.ts';
import { ec2Clients, type MakeClient } from './ec2-clients.ts';
import { codes, isThrottled, isUnknown } from './ec2-errors.ts';
import { factsOf, type InstanceFacts } from './instance-facts.ts';
import { type InstanceLists, instanceLists } from './instance-lists.ts';
import {
  type InstanceRefs,
  type StartAllOutcome,
  type StartOutcome,
  startInstances,
} from './start-instances.ts';

/** Region and id of an instance. Without a region: the control plane's. */
export interface InstanceRef {
  readonly instanceId?: string;
  readonly region?: string;
}

export interface Instances extends InstanceLists {
  start(ref: InstanceRef): Promise<StartOutcome>;
  /** Starts all instances or none, by one call that is not retried. */
  startAll(refs: InstanceRefs): Promise<StartAllOutcome>;
  /** Stops an instance. True when EC2 stops it or has stopped it; false when it doesn't exist. */
  stop(ref: InstanceRef, options?: { readonly hibernate: boolean }): Promise<boolean>;
  /** Describes an instance. Undefined when EC2 doesn't know it. */
  describe(ref: InstanceRef): Promise<InstanceFacts | undefined>;
  /** Launches one instance by a fleet. A repeated order launches no second one. */
  launch(order: LaunchOrder): Promise<LaunchOutcome>;
  /** Terminates an instance. True when EC2 terminates it or has done so; false when EC2 doesn't know it. */
  terminate(ref: InstanceRef): Promise<boolean>;
}

export const ec2Instances = (makeClient?: MakeClient): Instances => {
  const { clientOf, impatientClientOf } = ec2Clients(makeClient);
  const idsOf = (ref: InstanceRef) => ({ InstanceIds: ref.instanceId ? [ref.instanceId] : [] });

  const describe = async (ref: InstanceRef): Promise<InstanceFacts | undefined> => {
    try {
      const answer = await clientOf(ref).send(new DescribeInstancesCommand(idsOf(ref)));
      return factsOf(answer.Reservations?.[0]?.Instances?.[0]);
    } catch (error) {
      if (isUnknown(error)) return undefined;
      throw error;
    }
  };

  /**
   * True when EC2 rejected a call because the instance is gone. The policies require a tag of the instance,
   * and a gone instance has none: EC2 then answers that the caller lacks permission. Describing has no
   * condition, and shows which of the two it is.
   */
  const isGone = async (ref: InstanceRef, error: unknown): Promise<boolean> => {
    if (isUnknown(error)) return true;
    if (!(error instanceof EC2ServiceException) || error.name !== codes.unauthorized) return false;
    const state = (await describe(ref))?.state;
    return state === undefined || state === 'terminated';
  };

  const refusalOf = async (ref: InstanceRef, error: EC2ServiceException): Promise<StartOutcome> => {
    if (error.name === codes.wrongState) return { started: false, code: 'still_stopping' };
    if (error.name === codes.unauthorized && (await isGone(ref, error))) {
      const detail = `The instance ${ref.instanceId} is gone from its region.`;
      return { started: false, code: 'refused', awsCode: goneCode, detail };
    }
    return { started: false, code: 'refused', awsCode: error.name, detail: error.message };
  };

  /** Hibernates an instance. False when it must be stopped without hibernation. */
  const hibernates = async (ref: InstanceRef): Promise<boolean> => {
    try {
      await clientOf(ref).send(new StopInstancesCommand({ ...idsOf(ref), Hibernate: true }));
      return true;
    } catch (error) {
      if (error instanceof EC2ServiceException && codes.cannotHibernate.includes(error.name)) return false;
      throw error;
    }
  };

  /** Subnets of the small VPC in a fleet's region; they never change, so they are read once. */
  const networks = new Map<string, readonly string[]>();
  const subnetsOf = async ({ region, stack, subnets }: LaunchOrder): Promise<readonly string[]> => {
    const known = subnets ?? networks.get(region);
    if (known) return known;
    const { Subnets = [] } = await clientOf({ region }).send(
      new DescribeSubnetsCommand({ Filters: [{ Name: `tag:${tagsOf.stack}`, Values: [stack] }] }),
    );
    const found = Subnets.flatMap(({ SubnetId }) => SubnetId ?? []).sort();
    if (found.length > 0) networks.set(region, found);
    return found;
  };

  return {
    launch: async (order) => {
      const subnetIds = await subnetsOf(order);
      if (subnetIds.length === 0) {
        const detail = `The stack has no subnets in ${order.region}.`;
        return { launched: false, awsCode: 'InvalidSubnet', awsCodes: ['InvalidSubnet'], detail };
      }
      try {
        return launchOutcome(
          await clientOf(order).send(new CreateFleetCommand(fleetRequest(order, subnetIds))),
        );
      } catch (error) {
        if (!(error instanceof EC2ServiceException) || isThrottled(error)) throw error;
        // After an error of AWS (5xx) an instance may have been launched all the same.
        if ((error.$metadata.httpStatusCode ?? 500) >= 500) throw error;
        return { launched: false, awsCode: error.name, awsCodes: [error.name], detail: error.message };
      }
    },

    terminate: async (ref) => {
      try {
        await clientOf(ref).send(new TerminateInstancesCommand(idsOf(ref)));
        return true;
      } catch (error) {
        if (await isGone(ref, error)) return false;
        throw error;
      }
    },

    start: async (ref) => {
      try {
        await clientOf(ref).send(new StartInstancesCommand(idsOf(ref)));
        return { started: true };
      } catch (error) {
        // A throttled call fails after the SDK's retries, and the caller's next pass repeats it.
        if (!(error instanceof EC2ServiceException) || isThrottled(error)) throw error;
        return refusalOf(ref, error);
      }
    },

    startAll: (refs) => startInstances(impatientClientOf(refs), refs, refusalOf),

    stop: async (ref, { hibernate } = { hibernate: false }) => {
      if (hibernate && (await hibernates(ref))) return true;
      try {
        await clientOf(ref).send(new StopInstancesCommand(idsOf(ref)));
        return true;
      } catch (error) {
        if (error instanceof EC2ServiceException && error.name === codes.wrongState) return false;
        if (await isGone(ref, error)) return false;
        throw error;
      }
    },

    describe,
    ...instanceLists(clientOf),
  };
};
