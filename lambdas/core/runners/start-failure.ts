/** Meaning of an instance's failed start: whether a retry may help, and what its owner can do. */
import type { Runner } from '../../../protocol/index.ts';
import { type Instant, msBetween } from '../../../protocol/index.ts';

/** Maximum of consecutive failed starts; after them a runner is not started until its owner resets it. */
export const failedStartsAllowed = 3;

/** Maximum time from the start of an instance to its agent's first heartbeat. */
export const bootTimeoutMs = 5 * 60_000;

export interface StartFailure {
  /** False: only its owner can fix it. */
  readonly mayPass: boolean;
  /** Text for the runner and for its waiting tasks. */
  readonly detail: string;
}

/** EC2's code for an unknown instance. */
export const goneCode = 'InvalidInstanceID.NotFound';

/** Texts of our own rules on owners, for which AWS has no message. */
const own: Readonly<Record<string, string>> = {
  instance_of_another_project:
    'The tag reveille:project keeps the instance for another project. Bind the runner to another one.',
  instance_not_confirmed:
    "The machine named the instance when it registered, and nobody has confirmed it. Give the instance the tag reveille:project with the project's id (global for a global runner), and save the runner.",
};

/**
 * Advice after AWS's own message, for temporary refusals.
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

/** Advice after AWS's own message, for refusals that only the runner's owner can fix. */
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
 * Codes about the price, capacity or permission of spot instances, so that on-demand may work.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/service-linked-roles-spot-instance-requests.html
 */
const spotCodes: ReadonlySet<string> = new Set([
  'AuthFailure.ServiceLinkedRoleCreationNotPermitted',
  'InsufficientInstanceCapacity',
  // EC2's codes for a type that a zone lacks, from CreateFleet and from RunInstances.
  'InvalidFleetConfiguration',
  'Unsupported',
  'MaxSpotInstanceCountExceeded',
  'SpotMaxPriceTooLow',
  'UnfulfillableCapacity',
]);

/** True when the instance no longer exists. */
export const isGone = (awsCode: string): boolean => awsCode === goneCode;

/** True when an on-demand instance may work instead of a spot one: EC2 returns a reason per type and zone. */
export const mayBeOnDemand = (awsCodes: readonly string[]): boolean =>
  awsCodes.some((awsCode) => spotCodes.has(awsCode));

/** Explains EC2's refusal to start an instance: AWS's whole message, then our advice. */
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
 * True when a refused start is due for a retry. The pause is half the time since the first try, so retries
 * become rarer, and five minutes at most.
 */
export const isTimeToRetry = (runner: Pick<Runner, 'fault' | 'statusSince'>, now: Instant): boolean => {
  if (runner.fault === undefined) return true;
  const triedForMs = msBetween(runner.statusSince, runner.fault.at);
  return msBetween(runner.fault.at, now) >= Math.min(triedForMs / 2, 5 * 60_000);
};
