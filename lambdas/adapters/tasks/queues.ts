/** The queues of tasks in SQS: made and removed with the runners that poll them, rung like doorbells. */
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  QueueDeletedRecently,
  QueueDoesNotExist,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { ControlDoorbell, Doorbell } from '../../../protocol/index.ts';

/** A doorbell that nobody has answered by then was rung again by the reconciler long ago. */
const retentionSeconds = 3600;
/** Long enough to claim; short enough that a doorbell in the hands of an agent that dies rings again soon. */
const visibilityTimeoutSeconds = 30;

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html, QueueDeletedRecently */
export const nameRefusedMs = 60_000;

export interface Queues {
  /** Makes the queue; one that exists stays as it is. False: SQS refuses the name, for `nameRefusedMs` after a queue of it was removed. */
  create(queue: string): Promise<boolean>;
  /** Removes the queue and what rings in it; one that doesn't exist is fine. */
  remove(queue: string): Promise<void>;
  /** Rings for a task, or for a runner's heartbeat. False when there is no such queue, so that the caller can make it. */
  ring(queue: string, doorbell: Doorbell | ControlDoorbell): Promise<boolean>;
  urlOf(queue: string): string;
}

export interface QueueNames {
  readonly namePrefix: string;
  readonly urlPrefix: string;
  /** By which costs are told apart. */
  readonly stackName: string;
}

/** For the bill, as all of the stack has them. Queues of projects are named `{project}…` (core/routing.ts). */
const tagsFor = (queue: string, stackName: string): Record<string, string> => {
  const [project] = /^prj_[0-9A-Za-z]+/.exec(queue) ?? [];
  return { 'reveille:stack': stackName, ...(project !== undefined && { 'reveille:project': project }) };
};

/** The client ignores the host in a queue's URL, so that an endpoint of one's own stands. */
export const makeSqsClient = () => new SQSClient({ useQueueUrlAsEndpoint: false });

export const sqsQueues = (client: SQSClient, { namePrefix, urlPrefix, stackName }: QueueNames): Queues => {
  const urlOf = (queue: string) => `${urlPrefix}${queue}`;
  const unless = async (
    refusal: typeof QueueDoesNotExist | typeof QueueDeletedRecently,
    call: Promise<unknown>,
  ): Promise<boolean> => {
    try {
      await call;
      return true;
    } catch (error) {
      if (error instanceof refusal) return false;
      throw error;
    }
  };
  return {
    urlOf,
    create: (queue) =>
      unless(
        QueueDeletedRecently,
        client.send(
          new CreateQueueCommand({
            QueueName: `${namePrefix}${queue}`,
            Attributes: {
              MessageRetentionPeriod: String(retentionSeconds),
              VisibilityTimeout: String(visibilityTimeoutSeconds),
              ReceiveMessageWaitTimeSeconds: '20',
              SqsManagedSseEnabled: 'true',
            },
            tags: tagsFor(queue, stackName),
          }),
        ),
      ),
    remove: async (queue) => {
      await unless(QueueDoesNotExist, client.send(new DeleteQueueCommand({ QueueUrl: urlOf(queue) })));
    },
    ring: (queue, doorbell) =>
      unless(
        QueueDoesNotExist,
        client.send(
          new SendMessageCommand({ QueueUrl: urlOf(queue), MessageBody: JSON.stringify(doorbell) }),
        ),
      ),
  };
};
