/** Handles a batch from SQS: each message by itself; SQS redelivers only those that failed. */
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { Log } from './adapters/log.ts';

/** Handles every record; an error, or `false`, makes SQS redeliver that one. */
export const handleBatch = async (
  event: SQSEvent,
  handle: (record: SQSRecord) => Promise<boolean>,
  log: Log,
): Promise<SQSBatchResponse> => {
  const outcomes = await Promise.all(
    event.Records.map(async (record) => {
      try {
        return (await handle(record)) ? [] : [{ itemIdentifier: record.messageId }];
      } catch (error) {
        log.error('A message failed and will come again', {
          messageId: record.messageId,
          error: String(error),
        });
        return [{ itemIdentifier: record.messageId }];
      }
    }),
  );
  return { batchItemFailures: outcomes.flat() };
};
