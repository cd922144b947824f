/**
 * What becomes of an event that a function failed at, or that Lambda had no room for, when it was invoked asynchronously. Without a
 * word Lambda tries it twice more, keeps what it has no room for up to six hours, and then forgets it.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Duration } from 'aws-cdk-lib/core';
import { allow, give } from './grants.ts';

/** Has Lambda put what the function failed at to the end into the dead-letter queue. */
export const buryFailures = (fn: LambdaFunction, deadLetters: IQueue): void => {
  // CDK's SqsDestination would permit more than Lambda uses.
  give(fn, [{ statements: [allow(['sqs:SendMessage'], [deadLetters.queueArn])] }]);
  fn.configureAsyncInvoke({ onFailure: { bind: () => ({ destination: deadLetters.queueArn }) } });
};

/**
 * For a function that does all of its work anew each minute: an event is not tried again, as the next minute's is another try, and
 * what waited for room for a minute is forgotten, so that after an hour without room there are not sixty runs at once.
 */
export const leaveToTheNextMinute = (fn: LambdaFunction): void =>
  fn.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
