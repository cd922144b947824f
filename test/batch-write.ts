/** Writes many items at once, for benches and for tests at size. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Item, Key } from '../lambdas/adapters/table.ts';

/** Maximum items of one BatchWriteItem (AWS: BatchWriteItem). */
const batchLimit = 25;

export const writeAll = async (
  client: DynamoDBClient,
  tableName: string,
  items: readonly (Key & Item)[],
): Promise<void> => {
  const documents = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
  for (let from = 0; from < items.length; from += batchLimit) {
    const batch = items.slice(from, from + batchLimit).map((Item) => ({ PutRequest: { Item } }));
    await documents.send(new BatchWriteCommand({ RequestItems: { [tableName]: batch } }));
  }
};
