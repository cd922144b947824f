/** Retries webhook deliveries, with growing delays, until they are acknowledged or out of tries. */
import { ChangeMessageVisibilityCommand } from '@aws-sdk/client-sqs';
import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { makeSqsClient } from '../adapters/tasks/queues.ts';
import { handleBatch } from '../batch.ts';
import { readConfig, variables } from '../config.ts';
import { retryOf } from '../core/webhooks/retry-policy.ts';
import { retry } from '../flows/webhooks/deliver.ts';
import { deliveryRef, openSealedTable, webhookVariables, wireStores, wireWebhooks } from '../wiring.ts';

const config = readConfig(
  variables
    .pick({ TABLE_NAME: true, SECRETS_KEY_ARN: true, WEBHOOK_RETRIES_MAX: true })
    .extend(webhookVariables.shape),
  process.env,
);
const sqs = makeSqsClient();
const deps = {
  ...wireStores(openSealedTable(config.TABLE_NAME, config.SECRETS_KEY_ARN)),
  ...wireWebhooks(config),
};

const comeAgainLater = async (record: SQSRecord, delaySeconds: number): Promise<void> => {
  await sqs.send(
    new ChangeMessageVisibilityCommand({
      QueueUrl: config.WEBHOOK_RETRIES_QUEUE_URL,
      ReceiptHandle: record.receiptHandle,
      VisibilityTimeout: delaySeconds,
    }),
  );
};

export const handler = (event: SQSEvent) =>
  handleBatch(
    event,
    async (record) => {
      const ref = deliveryRef.parse(JSON.parse(record.body));
      const number = ref.tries + Number(record.attributes.ApproximateReceiveCount);
      const options = retryOf(number, config.WEBHOOK_RETRIES_MAX);
      if ((await retry(deps, ref, options)) === 'settled') return true;
      await comeAgainLater(record, options.delaySeconds);
      return false;
    },
    deps.log,
  );
