/** The queues that functions work off; the queues of tasks are not here, as `api` makes them at run time. */

import { EventSourceMapping, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { give, workOffGrant } from './grants.ts';

/** Encrypted with SQS's own key and reached by TLS only, neither of which costs anything. */
const guarded: QueueProps = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };

export interface WorkQueueProps {
  /** How often a message is tried before it goes to the dead-letter queue. */
  readonly maxReceiveCount: number;
  /** The time-out of the function that works it off. */
  readonly functionTimeoutSeconds: number;
  readonly deadLetters: Queue;
}

/** The one queue for all that could not be done, kept for 14 days: an alarm looks at it, and each metric of an alarm costs. */
export const makeDeadLetters = (scope: Construct): Queue =>
  new Queue(scope, 'DeadLetters', { ...guarded, retentionPeriod: Duration.days(14) });

/** Lambda polls it day and night, work or none, which costs 0.26 USD a month (docs/operating/deploy.md): think twice before a second one. */
export const makeWorkQueue = (scope: Construct, name: string, props: WorkQueueProps): Queue =>
  new Queue(scope, name, {
    ...guarded,
    // Six times the function's time-out (AWS: Using Lambda with Amazon SQS).
    visibilityTimeout: Duration.seconds(6 * props.functionTimeoutSeconds),
    deadLetterQueue: { queue: props.deadLetters, maxReceiveCount: props.maxReceiveCount },
  });

/** Has the function work off the queue; what it names in `batchItemFailures` is tried again. */
export const workOff = (queue: Queue, fn: LambdaFunction, batchSize: number): void => {
  give(fn, [workOffGrant(queue)]);
  // CDK's SqsEventSource would permit more than Lambda's pollers use.
  const mapping = new EventSourceMapping(fn, 'Source', {
    target: fn,
    eventSourceArn: queue.queueArn,
    batchSize,
    reportBatchItemFailures: true,
  });
  // Lambda refuses the mapping until the role has the permissions.
  if (fn.role) mapping.node.addDependency(fn.role);
};
