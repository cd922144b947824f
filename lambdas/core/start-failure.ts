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
};

const lasting: Readonly<Record<string, string>> = {
  'InvalidInstanceID.NotFound':
    "EC2 doesn't know the instance in this region. Bind the runner to another one",
  'InvalidInstanceID.Malformed': 'the id is not one of an instance. Bind the runner to another one',
  UnauthorizedOperation:
    "the stack may not start it. Give the instance the stack's tag, as the runner set-up page says",
  AuthFailure: 'AWS does not accept the credentials of the stack. Look at its role',
  OptInRequired: 'the account is not subscribed to what the instance runs. Subscribe, or bind another one',
  UnsupportedOperation: 'its type or configuration cannot be started. Bind the runner to another one',
};

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
