/** Task queues in SQS: made and removed with the runners that poll them, used as doorbells. */
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  QueueDeletedRecently,
  QueueDoesNotExist,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { ControlDoorbell, Doorbell } from '../../../protocol/index.ts';

/** The reconciler has rung again long before an unanswered doorbell is this old. */
const retentionSeconds = 3600;
/** Long enough to claim; short enough that a dead agent's doorbell rings again soon. */
const visibilityTimeoutSeconds = 30;

export interface Queues {
  /**
   * Makes the queue; an existing one stays unchanged. False: SQS rejects the name, for `nameRefusedMs` after
   * a queue of it was removed.
   */
  create(queue: string): Promise<boolean>;
  /** Removes the queue and its messages; a missing queue is fine. */
  remove(queue: string): Promise<void>;
  /**
   * Rings for a task, or for a runner's heartbeat. False when the queue is missing, so that the caller can
   * make it.
   */
  ring(queue: string, doorbell: Doorbell | ControlDoorbell): Promise<boolean>;
  urlOf(queue: string): string;
}

export interface QueueNames {
  readonly namePrefix: string;
  readonly urlPrefix: string;
  /** Stack name in the cost tags. */
  readonly stackName: string;
}

/**
 * Cost tags, the same as on the rest of the stack. Queues of projects are named `{project}…`
 * (core/routing.ts).
 */
const tagsFor = (queue: string, stackName: string): Record<string, string> => {
  const [project] = /^prj_[0-9A-Za-z]+/.exec(queue) ?? [];
  return { 'reveille:stack': stackName, ...(project !== undefined && { 'reveille:project': project }) };
};

/** The client ignores the host in a queue's URL, so that a custom endpoint works. */
export const makeSqsClient = () => new SQSClient({ useQueueUrlAsEndpoint: false });

export const sqsQueues = (
  { namePrefix, urlPrefix, stackName }: QueueNames,
  client = makeSqsClient(),
): Queues => {
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
