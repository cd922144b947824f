/** Queues that functions consume. The queues of tasks are not here: `api` creates them at run time. */

import { EventSourceMapping, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { give, workOffGrant } from './grants.ts';

/** Encryption with SQS's own key and access by TLS only, both free of charge. */
const guarded: QueueProps = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };

export interface WorkQueueProps {
  /** Maximum receives of a message before it goes to the dead-letter queue. */
  readonly maxReceiveCount: number;
  /** Timeout of the function that consumes the queue. */
  readonly functionTimeoutSeconds: number;
  readonly deadLetters: Queue;
}

/**
 * Makes the one dead-letter queue, which keeps messages for 14 days. One for all, because an alarm watches it
 * and each metric of an alarm costs.
 */
export const makeDeadLetters = (scope: Construct): Queue =>
  new Queue(scope, 'DeadLetters', { ...guarded, retentionPeriod: Duration.days(14) });

/**
 * Makes a work queue. Lambda polls it all the time, which costs 0.26 USD a month (docs/operating/deploy.md):
 * avoid a second one.
 */
export const makeWorkQueue = (scope: Construct, name: string, props: WorkQueueProps): Queue =>
  new Queue(scope, name, {
    ...guarded,
    // Six times the function's timeout (AWS: Using Lambda with Amazon SQS).
    visibilityTimeout: Duration.seconds(6 * props.functionTimeoutSeconds),
    deadLetterQueue: { queue: props.deadLetters, maxReceiveCount: props.maxReceiveCount },
  });

/** Connects the function to the queue; SQS retries the messages in `batchItemFailures`. */
export const workOff = (queue: Queue, fn: LambdaFunction, batchSize: number): void => {
  give(fn, [workOffGrant(queue)]);
  // CDK's SqsEventSource would permit more than Lambda's pollers use.
  const mapping = new EventSourceMapping(fn, 'Source', {
    target: fn,
    eventSourceArn: queue.queueArn,
    batchSize,
    reportBatchItemFailures: true,
  });
  // Lambda rejects the mapping until the role has the permissions.
  if (fn.role) mapping.node.addDependency(fn.role);
};
