/**
 * Settings for asynchronous events that a function failed at, or that Lambda had no capacity for. By default
 * Lambda retries twice, keeps events without capacity for up to six hours, and then drops them silently.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Duration } from 'aws-cdk-lib/core';
import { allow, give } from './grants.ts';

/** Sends events that failed all retries to the dead-letter queue. */
export const buryFailures = (fn: LambdaFunction, deadLetters: IQueue): void => {
  // CDK's SqsDestination would permit more than Lambda uses.
  give(fn, [{ statements: [allow(['sqs:SendMessage'], [deadLetters.queueArn])] }]);
  fn.configureAsyncInvoke({ onFailure: { bind: () => ({ destination: deadLetters.queueArn }) } });
};

/**
 * Disables retries for a function that repeats all of its work each minute. Events that waited a minute for
 * capacity are dropped, so that an hour without capacity does not end in sixty runs at once.
 */
export const leaveToTheNextMinute = (fn: LambdaFunction): void =>
  fn.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
