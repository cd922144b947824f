/** EC2 instances of runners. */
import {
  CreateFleetCommand,
  DescribeInstancesCommand,
  DescribeSubnetsCommand,
  EC2Client,
  EC2ServiceException,
  type Instance,
  paginateDescribeInstanceStatus,
  paginateDescribeInstances,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import * as z from 'zod';
import { type Instant, type Market, toInstant } from '../../../protocol/index.ts';
import type { OwnedFacts } from '../../core/runners/instance-owner.ts';
import { goneCode } from '../../core/runners/start-failure.ts';
import {
  fleetRequest,
  type LaunchOrder,
  type LaunchOutcome,
  launchOutcome,
  tagsOf,
} from '../fleets/launches.ts';

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
  /** Stack in the instance's tag: only that stack may start and stop it. */
  readonly stack: string | undefined;
  readonly launchedAt: Instant | undefined;
  /** Known from EC2's event only. */
  readonly runningAt?: Instant;
  /** Reason for the state, in AWS's words. */
  readonly stateReason: string | undefined;
}

/** Outcome of a start. `still_stopping` is expected: start again once the instance has stopped. */
export type StartOutcome =
  | { readonly started: true }
  | { readonly started: false; readonly code: 'still_stopping' }
  | { readonly started: false; readonly code: 'refused'; readonly awsCode: string; readonly detail: string };

/** Region and id of an instance. Without a region: the control plane's. */
export interface InstanceRef {
  readonly instanceId?: string;
  readonly region?: string;
}

/** Instance that a fleet launched, and its runner. */
export interface LaunchedFacts extends InstanceFacts {
  readonly fleet: string;
  /** `{pool}/{id}` */
  readonly runner: string;
}

export interface Instances {
  start(ref: InstanceRef): Promise<StartOutcome>;
  /** Stops an instance. True when EC2 stops it or has stopped it; false when it doesn't exist. */
  stop(ref: InstanceRef, options?: { readonly hibernate: boolean }): Promise<boolean>;
  /** Describes an instance. Undefined when EC2 doesn't know it. */
  describe(ref: InstanceRef): Promise<InstanceFacts | undefined>;
  /** Lists the stack's instances that are running or pending. */
  listOn(where: Pick<InstanceRef, 'region'> & { readonly stack: string }): Promise<InstanceFacts[]>;
  /** Lists the ids of all instances of the account that fail one of EC2's status checks. */
  listImpaired(where: Pick<InstanceRef, 'region'>): Promise<string[]>;
  /** Launches one instance by a fleet. A repeated order launches no second one. */
  launch(order: LaunchOrder): Promise<LaunchOutcome>;
  /** Terminates an instance. True when EC2 terminates it or has done so; false when EC2 doesn't know it. */
  terminate(ref: InstanceRef): Promise<boolean>;
  /**
   * Lists instances that fleets of this control plane have launched in a region and that are not terminated,
   * for one runner or for all. Another control plane in another region may have the same stack name, but not
   * the same API.
   */
  listLaunched(where: {
    readonly region: string;
    readonly stack: string;
    readonly apiUrl: string;
    readonly runner?: string;
  }): Promise<LaunchedFacts[]>;
}

/**
 * Status checks: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceStatus.html; all
 * filters must match.
 */
const checks = ['instance-status.status', 'system-status.status'];

/** Error codes: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
const codes = {
  wrongState: 'IncorrectInstanceState',
  unauthorized: 'UnauthorizedOperation',
  unknown: ['InvalidInstanceID.NotFound', 'InvalidInstanceID.Malformed'],
  throttled: 'RequestLimitExceeded',
  /**
   * The instance was not launched for hibernation, or is not ready yet: its agent must have run for a while.
   */
  cannotHibernate: ['UnsupportedHibernationConfiguration', 'UnsupportedOperation', 'IncorrectInstanceState'],
};

/** True when the call certainly did nothing. */
export const isThrottled = (error: unknown): boolean =>
  error instanceof EC2ServiceException && error.name === codes.throttled;

const isUnknown = (error: unknown): boolean =>
  error instanceof EC2ServiceException && codes.unknown.includes(error.name);

const tagOf = ({ Tags = [] }: Instance, key: string): string | undefined =>
  Tags.find(({ Key }) => Key === key)?.Value;

const factsOf = (found: Instance | undefined): InstanceFacts | undefined => {
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
    owner: tagOf(found, tagsOf.project),
  };
};

export const ec2Instances = (
  makeClient = (region?: string) => new EC2Client(region ? { region } : {}),
): Instances => {
  const clients = new Map<string, EC2Client>();
  const clientOf = ({ region = '' }: InstanceRef): EC2Client => {
    const known = clients.get(region);
    if (known) return known;
    const made = makeClient(region || undefined);
    clients.set(region, made);
    return made;
  };
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

    listLaunched: async ({ region, stack, apiUrl, runner = '*' }) => {
      const found: LaunchedFacts[] = [];
      const Filters = [
        { Name: `tag:${tagsOf.stack}`, Values: [stack] },
        { Name: `tag:${tagsOf.api}`, Values: [apiUrl] },
        { Name: `tag:${tagsOf.runner}`, Values: [runner] },
        { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] },
      ];
      for await (const page of paginateDescribeInstances({ client: clientOf({ region }) }, { Filters })) {
        for (const one of page.Reservations?.flatMap(({ Instances = [] }) => Instances) ?? []) {
          const facts = factsOf(one);
          const tag = (key: string) => tagOf(one, key) ?? '';
          if (facts) found.push({ ...facts, fleet: tag(tagsOf.fleet), runner: tag(tagsOf.runner) });
        }
      }
      return found;
    },

    start: async (ref) => {
      try {
        await clientOf(ref).send(new StartInstancesCommand(idsOf(ref)));
        return { started: true };
      } catch (error) {
        // A throttled call fails, and the webhook's sender or the next reconciliation retries it.
        if (!(error instanceof EC2ServiceException) || error.name === codes.throttled) throw error;
        if (error.name === codes.wrongState) return { started: false, code: 'still_stopping' };
        if (error.name === codes.unauthorized && (await isGone(ref, error))) {
          const detail = `The instance ${ref.instanceId} is gone from its region.`;
          return { started: false, code: 'refused', awsCode: goneCode, detail };
        }
        return { started: false, code: 'refused', awsCode: error.name, detail: error.message };
      }
    },

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

    listOn: async ({ stack, ...where }) => {
      const Filters = [
        { Name: `tag:${tagsOf.stack}`, Values: [stack] },
        { Name: 'instance-state-name', Values: ['pending', 'running'] },
      ];
      const found: InstanceFacts[] = [];
      for await (const page of paginateDescribeInstances({ client: clientOf(where) }, { Filters })) {
        const instances = page.Reservations?.flatMap(({ Instances = [] }) => Instances) ?? [];
        found.push(...instances.flatMap((instance) => factsOf(instance) ?? []));
      }
      return found;
    },

    listImpaired: async (where) => {
      const found = new Set<string>();
      for (const Name of checks) {
        const impaired = { Filters: [{ Name, Values: ['impaired'] }] };
        for await (const page of paginateDescribeInstanceStatus({ client: clientOf(where) }, impaired)) {
          for (const { InstanceId } of page.InstanceStatuses ?? []) if (InstanceId) found.add(InstanceId);
        }
      }
      return [...found];
    },
  };
};
