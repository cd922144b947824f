/** The queue in which webhook deliveries wait for their next attempt. */
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import type { Delivery, ProjectId } from '../../../protocol/index.ts';
import { makeSqsClient } from '../tasks/queues.ts';

/** A delivery in the queue; `tries` are the retries that it had before it was put off. */
export interface PutOff extends Pick<Delivery, 'id'> {
  readonly projectId: ProjectId;
  readonly tries: number;
}

/** Returns a function that puts a delivery off. */
export const retryQueue =
  (url: string, client = makeSqsClient()) =>
  async (delivery: PutOff, delaySeconds: number): Promise<void> => {
    await client.send(
      new SendMessageCommand({
        QueueUrl: url,
        MessageBody: JSON.stringify(delivery),
        DelaySeconds: delaySeconds,
      }),
    );
  };
