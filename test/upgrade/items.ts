/**
 * A table's items as a file: one line of DynamoDB's JSON each, compressed, which keeps binary values whole.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  type AttributeValue,
  BatchWriteItemCommand,
  type DynamoDBClient,
  paginateScan,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import * as z from 'zod';

export type StoredItem = Record<string, AttributeValue>;

/** Maximum items of BatchWriteItem (AWS: Quotas in Amazon DynamoDB). */
const batchSize = 25;

const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array;
const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const encode = (_key: string, value: unknown): unknown =>
  isMap(value) && isBytes(value.B) ? { B: Buffer.from(value.B).toString('base64') } : value;
const decode = (_key: string, value: unknown): unknown =>
  isMap(value) && typeof value.B === 'string' ? { B: Buffer.from(value.B, 'base64') } : value;

const storedItem = z.custom<StoredItem>(isMap);

/** Reads the items; `rewrite` changes the file's text, such as the stack's address. */
export const readItems = (path: string, rewrite: (text: string) => string): StoredItem[] =>
  rewrite(gunzipSync(readFileSync(path)).toString())
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => storedItem.parse(JSON.parse(line, decode)));

export const writeItems = (path: string, items: readonly StoredItem[]): void =>
  writeFileSync(
    path,
    gzipSync(items.map((item) => `${JSON.stringify(item, encode)}\n`).join(''), { level: 9 }),
  );

const keyOf = ({ pk, sk }: StoredItem): string => `${pk?.S}\n${sk?.S}`;

/** Returns all items of the table in key order. */
export const scanTable = async (client: DynamoDBClient, TableName: string): Promise<StoredItem[]> => {
  const items: StoredItem[] = [];
  for await (const page of paginateScan({ client }, { TableName, ConsistentRead: true })) {
    items.push(...(page.Items ?? []));
  }
  return items.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
};

/** Replaces all items of the table. */
export const replaceTable = async (
  client: DynamoDBClient,
  tableName: string,
  items: readonly StoredItem[],
): Promise<void> => {
  const old = (await scanTable(client, tableName)).map(({ pk, sk }) => ({
    DeleteRequest: { Key: { pk: pk ?? { S: '' }, sk: sk ?? { S: '' } } },
  }));
  const puts = items.map((Item) => ({ PutRequest: { Item } }));
  for (const requests of [old, puts]) {
    for (let at = 0; at < requests.length; at += batchSize) {
      let left: Record<string, WriteRequest[]> = { [tableName]: requests.slice(at, at + batchSize) };
      while (Object.keys(left).length > 0) {
        const { UnprocessedItems = {} } = await client.send(
          new BatchWriteItemCommand({ RequestItems: left }),
        );
        left = UnprocessedItems;
      }
    }
  }
};
