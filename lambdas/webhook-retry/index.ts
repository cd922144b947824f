/** Retries webhook deliveries, with growing delays, until they are acknowledged or out of tries. */
import { ChangeMessageVisibilityCommand } from '@aws-sdk/client-sqs';
import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { addressGuard } from '../adapters/address-guard.ts';
import { makeSqsClient } from '../adapters/tasks/queues.ts';
import { handleBatch } from '../batch.ts';
import { readConfig, variables } from '../config.ts';
import { retry } from '../flows/webhooks/deliver.ts';
import { deliveryRef, wireStores, wireWebhooks } from '../wiring.ts';

const config = readConfig(
  variables.pick({
    TABLE_NAME: true,
    SECRETS_KEY_ARN: true,
    WEBHOOK_RETRIES_QUEUE_URL: true,
    WEBHOOK_RETRIES_MAX: true,
    WEBHOOK_ALLOWED: true,
  }),
  process.env,
);
const sqs = makeSqsClient();
const deps = {
  ...wireStores(config.TABLE_NAME, config.SECRETS_KEY_ARN),
  ...wireWebhooks(sqs, config.WEBHOOK_RETRIES_QUEUE_URL, addressGuard(config.WEBHOOK_ALLOWED)),
};

/** Returns 10 s, 20 s, 40 s … up to 15 minutes. */
const backoffSeconds = (tries: number): number => Math.min(900, 5 * 2 ** tries);

const comeAgainLater = async (record: SQSRecord, tries: number): Promise<void> => {
  await sqs.send(
    new ChangeMessageVisibilityCommand({
      QueueUrl: config.WEBHOOK_RETRIES_QUEUE_URL,
      ReceiptHandle: record.receiptHandle,
      VisibilityTimeout: backoffSeconds(tries),
    }),
  );
};

export const handler = (event: SQSEvent) =>
  handleBatch(
    event,
    async (record) => {
      const ref = deliveryRef.parse(JSON.parse(record.body));
      const tries = ref.tries + Number(record.attributes.ApproximateReceiveCount);
      const last = tries >= config.WEBHOOK_RETRIES_MAX;
      const outcome = await retry(deps, ref, { tries: tries - 1, last });
      if (outcome === 'settled') return true;
      // After the last try the message reaches the dead-letter queue on its next return.
      await comeAgainLater(record, last ? 0 : tries);
      return false;
    },
    deps.log,
  );
