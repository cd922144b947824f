/** A batch from SQS: each message by itself, and only those that failed come again. */
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';

/** Handles every record; a throw, or `false`, makes that one come again. */
export const handleBatch = async (
  event: SQSEvent,
  handle: (record: SQSRecord) => Promise<boolean>,
  log: (message: string, about: Record<string, unknown>) => void,
): Promise<SQSBatchResponse> => {
  const outcomes = await Promise.all(
    event.Records.map(async (record) => {
      try {
        return (await handle(record)) ? [] : [{ itemIdentifier: record.messageId }];
      } catch (error) {
        log('A message failed and will come again', { messageId: record.messageId, error: String(error) });
        return [{ itemIdentifier: record.messageId }];
      }
    }),
  );
  return { batchItemFailures: outcomes.flat() };
};
