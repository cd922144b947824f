/** What it means when an instance does not start: whether another try may help, and what its owner can do. */
import type { Runner } from '../../../protocol/index.ts';
import { type Instant, msBetween } from '../../../protocol/index.ts';

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

/** EC2's code for an instance that it does not know. */
export const goneCode = 'InvalidInstanceID.NotFound';

/** Whose the instance is: our own rule, for which AWS has no words. */
const own: Readonly<Record<string, string>> = {
  instance_of_another_project:
    'The tag reveille:project keeps the instance for another project. Bind the runner to another one.',
  instance_not_confirmed:
    "The machine named the instance when it registered, and nobody has confirmed it. Give the instance the tag reveille:project with the project's id (global for a global runner), and save the runner.",
};

/**
 * Advice after AWS's own message, for refusals that may pass.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
 */
const passing: Readonly<Record<string, string>> = {
  InsufficientInstanceCapacity:
    'AWS has no capacity for its type in its zone now; it is tried again. Another type or zone may have some.',
  InsufficientHostCapacity: 'AWS has no capacity on its host now; it is tried again.',
  InstanceLimitExceeded: "The account's limit of running instances is reached. Ask AWS for a higher one.",
  VcpuLimitExceeded: "The account's limit of vCPUs is reached. Ask AWS for a higher one.",
  MaxSpotInstanceCountExceeded: "The account's limit of spot instances is reached. Ask AWS for a higher one.",
  UnfulfillableCapacity:
    'AWS has no capacity for any type of the fleet in any of its zones now; it is tried again.',
  InsufficientFreeAddressesInSubnet: 'The subnets have no free address. Give the fleet larger ones.',
  'AuthFailure.ServiceLinkedRoleCreationNotPermitted':
    'The account has no service-linked role for spot instances. Make it once: aws iam create-service-linked-role --aws-service-name spot.amazonaws.com.',
};

/** Advice after AWS's own message, for refusals that only the runner's owner can mend. */
const lasting: Readonly<Record<string, string>> = {
  [goneCode]: 'Bind the runner to another instance.',
  'InvalidInstanceID.Malformed': 'Bind the runner to another instance.',
  UnauthorizedOperation:
    "Give the instance the tag reveille:stack with the stack's name. If it has the tag, a service control policy or a permissions boundary denies it to the stack's role.",
  'InvalidLaunchTemplateName.NotFoundException':
    "The fleet's region has no launch template for it. Deploy the stack of that region: npx cdk deploy --all.",
  InvalidSubnet: 'Deploy the stack of that region, or correct the subnets of the fleet in cdk.json.',
  'InvalidSubnetID.NotFound': 'Correct the subnets of the fleet in cdk.json, and deploy.',
  'InvalidAMIID.NotFound': 'Correct the image of the fleet in cdk.json, and deploy.',
  AuthFailure:
    "EC2 does not accept the credentials of the stack's role. If the region has to be opted into, enable it for the account (AWS: Enable or disable AWS Regions).",
  OptInRequired: 'Subscribe to what the instance runs, or enable its region for the account.',
  unknown_fleet: 'Put it back and deploy, or remove the runner.',
  UnsupportedOperation: 'Bind the runner to an instance that can be stopped and started.',
};

/**
 * Codes that have to do with the price of spot instances, the room for them, or the right to them, so that on-demand may work.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/service-linked-roles-spot-instance-requests.html
 */
const spotCodes: ReadonlySet<string> = new Set([
  'AuthFailure.ServiceLinkedRoleCreationNotPermitted',
  'InsufficientInstanceCapacity',
  // EC2's word for a type that a zone does not have, by CreateFleet's errors and by RunInstances'.
  'InvalidFleetConfiguration',
  'Unsupported',
  'MaxSpotInstanceCountExceeded',
  'SpotMaxPriceTooLow',
  'UnfulfillableCapacity',
]);

/** Whether it means that there is no such instance any more. */
export const isGone = (awsCode: string): boolean => awsCode === goneCode;

/** Whether an on-demand instance may be had where a spot instance could not: EC2 gives a reason for each type and zone. */
export const mayBeOnDemand = (awsCodes: readonly string[]): boolean =>
  awsCodes.some((awsCode) => spotCodes.has(awsCode));

/** What EC2's refusal to start an instance means: AWS's whole message, and our advice after it. */
export const startFailure = (awsCode: string, message: string): StartFailure => {
  const ours = own[awsCode];
  if (ours !== undefined) return { mayPass: false, detail: ours };
  const advice = lasting[awsCode] ?? passing[awsCode];
  const said = /[.!?]$/.test(message) ? message : `${message}.`;
  return {
    mayPass: lasting[awsCode] === undefined,
    detail: `${said} (${awsCode})${advice === undefined ? '' : ` ${advice}`}`,
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
