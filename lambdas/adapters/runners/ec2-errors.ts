/** Errors of EC2: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
import { EC2ServiceException } from '@aws-sdk/client-ec2';

export const codes = {
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

export const isUnknown = (error: unknown): boolean =>
  error instanceof EC2ServiceException && codes.unknown.includes(error.name);
