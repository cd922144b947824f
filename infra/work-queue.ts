/** The queues that functions work off; the queues of tasks are not here, as `api` makes them at run time. */

import { EventSourceMapping, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { give, workOffGrant } from './grants.ts';

/** Encrypted with SQS's own key and reached by TLS only, neither of which costs anything. */
const guarded: QueueProps = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };

export interface WorkQueueProps {
  /** How often a message is tried before it goes to the dead-letter queue. */
  readonly maxReceiveCount: number;
  /** The time-out of the function that works it off. */
  readonly functionTimeoutSeconds: number;
}

/** Makes a queue with its dead-letter queue, which keeps for 14 days what could not be done. */
export const makeWorkQueue = (
  scope: Construct,
  name: string,
  props: WorkQueueProps,
): { queue: Queue; deadLetters: Queue } => {
  const within = new Construct(scope, name);
  const deadLetters = new Queue(within, 'DeadLetters', { ...guarded, retentionPeriod: Duration.days(14) });
  const queue = new Queue(within, 'Queue', {
    ...guarded,
    // Six times the function's time-out (AWS: Using Lambda with Amazon SQS).
    visibilityTimeout: Duration.seconds(6 * props.functionTimeoutSeconds),
    deadLetterQueue: { queue: deadLetters, maxReceiveCount: props.maxReceiveCount },
  });
  return { queue, deadLetters };
};

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
