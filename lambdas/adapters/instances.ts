/** The EC2 instances behind runners. */
import {
  DescribeInstancesCommand,
  EC2Client,
  EC2ServiceException,
  type Instance,
  paginateDescribeInstanceStatus,
  paginateDescribeInstances,
  StartInstancesCommand,
  StopInstancesCommand,
} from '@aws-sdk/client-ec2';
import { type Instant, toInstant } from '../../protocol/index.ts';

export type InstanceState = 'pending' | 'running' | 'stopping' | 'stopped' | 'shutting-down' | 'terminated';

export interface InstanceFacts {
  readonly instanceId: string;
  readonly state: InstanceState;
  readonly instanceType: string | undefined;
  readonly launchedAt: Instant | undefined;
  /** Why it is in that state, in AWS's words. */
  readonly stateReason: string | undefined;
}

/** What came of a start: `still_stopping` is expected, and means that it has to be asked again once it has stopped. */
export type StartOutcome =
  | { readonly started: true }
  | { readonly started: false; readonly code: 'still_stopping' }
  | { readonly started: false; readonly code: 'refused'; readonly awsCode: string; readonly detail: string };

/** Where an instance is. Without a region: the control plane's. */
export interface InstanceRef {
  readonly instanceId?: string | undefined;
  readonly region?: string | undefined;
}

export interface Instances {
  start(ref: InstanceRef): Promise<StartOutcome>;
  /** True when EC2 stops it (or has already); false when there is nothing left to stop. */
  stop(ref: InstanceRef): Promise<boolean>;
  /** Undefined when EC2 doesn't know it. */
  describe(ref: InstanceRef): Promise<InstanceFacts | undefined>;
  /** Those with the stack's tag that run, or are about to. */
  listOn(where: Pick<InstanceRef, 'region'>): Promise<InstanceFacts[]>;
  /** Ids of all instances, of whomever, that fail one of EC2's status checks. */
  listImpaired(where: Pick<InstanceRef, 'region'>): Promise<string[]>;
}

/** Without this tag on an instance the stack may not start or stop it. */
const managedTag = { Name: 'tag:reveille:managed', Values: ['true'] };

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceStatus.html; all filters have to match. */
const checks = ['instance-status.status', 'system-status.status'];

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
const codes = {
  wrongState: 'IncorrectInstanceState',
  unknown: ['InvalidInstanceID.NotFound', 'InvalidInstanceID.Malformed'],
  throttled: 'RequestLimitExceeded',
};

const states: Readonly<Record<string, InstanceState>> = {
  pending: 'pending',
  running: 'running',
  stopping: 'stopping',
  stopped: 'stopped',
  'shutting-down': 'shutting-down',
  terminated: 'terminated',
};

const factsOf = (found: Instance | undefined): InstanceFacts | undefined => {
  const state = states[found?.State?.Name ?? ''];
  if (!found?.InstanceId || !state) return undefined;
  return {
    instanceId: found.InstanceId,
    state,
    instanceType: found.InstanceType,
    launchedAt: found.LaunchTime && toInstant(found.LaunchTime.getTime()),
    stateReason: found.StateReason?.Message,
  };
};

const isUnknown = (error: unknown): boolean =>
  error instanceof EC2ServiceException && codes.unknown.includes(error.name);

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

  return {
    start: async (ref) => {
      try {
        await clientOf(ref).send(new StartInstancesCommand(idsOf(ref)));
        return { started: true };
      } catch (error) {
        // A throttled call goes on to whoever retries: the webhook's sender or the next reconciliation.
        if (!(error instanceof EC2ServiceException) || error.name === codes.throttled) throw error;
        if (error.name === codes.wrongState) return { started: false, code: 'still_stopping' };
        return { started: false, code: 'refused', awsCode: error.name, detail: error.message };
      }
    },

    stop: async (ref) => {
      try {
        await clientOf(ref).send(new StopInstancesCommand(idsOf(ref)));
        return true;
      } catch (error) {
        const nothingToStop =
          isUnknown(error) || (error instanceof EC2ServiceException && error.name === codes.wrongState);
        if (nothingToStop) return false;
        throw error;
      }
    },

    describe: async (ref) => {
      try {
        const answer = await clientOf(ref).send(new DescribeInstancesCommand(idsOf(ref)));
        return factsOf(answer.Reservations?.[0]?.Instances?.[0]);
      } catch (error) {
        if (isUnknown(error)) return undefined;
        throw error;
      }
    },

    listOn: async (where) => {
      const Filters = [managedTag, { Name: 'instance-state-name', Values: ['pending', 'running'] }];
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
