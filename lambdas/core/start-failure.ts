/** What it means when an instance does not start: whether another try may help, and what its owner can do. */
import type { Runner } from '../../protocol/index.ts';
import { type Instant, msBetween } from '../../protocol/index.ts';

/** After so many starts in a row that came to nothing, a runner is not started any more until its owner says so. */
export const failedStartsAllowed = 3;

/** From the start of an instance to its agent's first heartbeat. */
export const bootTimeoutMs = 5 * 60_000;

export interface StartFailure {
  /** False: only its owner can mend it. */
  readonly mayPass: boolean;
  /** For the runner and for the tasks that wait for it. */
  readonly detail: string;
}

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
const passing: Readonly<Record<string, string>> = {
  InsufficientInstanceCapacity:
    'AWS has no capacity for its type in its zone now; it is tried again. Another type or zone may have some',
  InsufficientHostCapacity: 'AWS has no capacity on its host now; it is tried again',
  InstanceLimitExceeded: "the account's limit of running instances is reached. Ask AWS for a higher one",
  VcpuLimitExceeded: "the account's limit of vCPUs is reached. Ask AWS for a higher one",
  MaxSpotInstanceCountExceeded: "the account's limit of spot instances is reached. Ask AWS for a higher one",
  UnfulfillableCapacity:
    'AWS has no capacity for any type of the fleet in any of its zones now; it is tried again',
  InsufficientFreeAddressesInSubnet: 'the subnets have no free address. Give the fleet larger ones',
};

const lasting: Readonly<Record<string, string>> = {
  'InvalidInstanceID.NotFound':
    "EC2 doesn't know the instance in this region. Bind the runner to another one",
  'InvalidInstanceID.Malformed': 'the id is not one of an instance. Bind the runner to another one',
  UnauthorizedOperation:
    "the stack may not start it. Give the instance the tag reveille:stack with the stack's name",
  instance_of_another_project:
    'the tag reveille:project keeps the instance for another project. Bind the runner to another one',
  instance_not_confirmed:
    "the machine named the instance when it registered, and nobody has confirmed it. Give the instance the tag reveille:project with the project's id (global for a global runner), and save the runner",
  'InvalidLaunchTemplateName.NotFoundException':
    "the fleet's region has no launch template for it. Deploy the stack of that region: npx cdk deploy --all",
  InvalidSubnet:
    "the fleet's subnets are not there. Deploy the stack of that region, or correct them in cdk.json",
  'InvalidSubnetID.NotFound': "the fleet's subnets are not there. Correct them in cdk.json, and deploy",
  'InvalidAMIID.NotFound': "the fleet's image is not there. Correct it in cdk.json, and deploy",
  unknown_fleet: 'its fleet is not in cdk.json any more. Put it back and deploy, or remove the runner',
  AuthFailure: 'AWS does not accept the credentials of the stack. Look at its role',
  OptInRequired: 'the account is not subscribed to what the instance runs. Subscribe, or bind another one',
  UnsupportedOperation: 'its type or configuration cannot be started. Bind the runner to another one',
};

/** Codes that have to do with the price or the room for spot instances, so that on-demand may work (AWS: CreateFleet's errors). */
const spotCodes: ReadonlySet<string> = new Set([
  'InsufficientInstanceCapacity',
  'UnfulfillableCapacity',
  'MaxSpotInstanceCountExceeded',
  'SpotMaxPriceTooLow',
]);

/** Whether it means that there is no such instance any more. */
export const isGone = (awsCode: string): boolean => awsCode === 'InvalidInstanceID.NotFound';

/** Whether an on-demand instance may be had where a spot instance could not. */
export const mayBeOnDemand = (awsCode: string): boolean => spotCodes.has(awsCode);

/** What EC2's refusal to start an instance means. `message` is AWS's own. */
export const startFailure = (awsCode: string, message: string): StartFailure => {
  const why = lasting[awsCode] ?? passing[awsCode];
  return {
    mayPass: lasting[awsCode] === undefined,
    detail: why === undefined ? message : `${why} (${awsCode}).`,
  };
};

/**
 * Whether a refused start is to be asked for again: after half as long as it has been tried for already, so ever less often,
 * and at least every five minutes.
 */
export const isTimeToRetry = (runner: Pick<Runner, 'fault' | 'statusSince'>, now: Instant): boolean => {
  if (runner.fault === undefined) return true;
  const triedForMs = msBetween(runner.statusSince, runner.fault.at);
  return msBetween(runner.fault.at, now) >= Math.min(triedForMs / 2, 5 * 60_000);
};
