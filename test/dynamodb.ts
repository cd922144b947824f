/**
 * A fresh table for a test, through the real SDK client. It is in dynalite in this process, or in the
 * database at DYNAMODB_ENDPOINT (Amazon's DynamoDB Local): the same tests then show whether both agree.
 */
import { randomUUID } from 'node:crypto';
import type { RequestListener, Server } from 'node:http';
import { Readable } from 'node:stream';
import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
} from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import dynalite from 'dynalite';
import { type Item, liveIndex, openTable, type Table } from '../lambdas/adapters/table.ts';
import { addTransactions, sendToDynalite } from '../local/aws/transactions.ts';

export interface TestTable {
  readonly table: Table;
  readonly tableName: string;
  readonly endpoint: string;
  readonly client: DynamoDBClient;
  /** Returns every item in key order, to compare states before and after. */
  dump(): Promise<Item[]>;
  /** Deletes the table and stops its server. */
  close(): Promise<void>;
}

const listen = (server: Server): Promise<string> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('The server has no port'));
      else resolve(`http://127.0.0.1:${address.port}`);
    });
  });

/** Part of the SDK's request that the call needs. */
interface Sent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/**
 * Options of a client that calls the server in this process. Without sockets and signatures, tests take a
 * tenth less processor time.
 */
const inProcess = (listener: RequestListener): DynamoDBClientConfig => ({
  signer: { sign: async (request) => request },
  requestHandler: {
    handle: async ({ headers, body }: Sent) => {
      const answer = await sendToDynalite(listener, headers['x-amz-target'] ?? '', Buffer.from(body));
      const { statusCode, rawPayload } = answer;
      return {
        response: { statusCode, headers: textsOf(answer.headers), body: Readable.from([rawPayload]) },
      };
    },
  },
});

const textsOf = (headers: object): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

const startDynalite = async () => {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0 });
  const listener = addTransactions(server);
  return {
    endpoint: await listen(server),
    options: inProcess(listener),
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const createTable = async (client: DynamoDBClient, tableName: string): Promise<void> => {
  const text = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' }) as const;
  const keySchema = (hash: string, range: string) => [
    { AttributeName: hash, KeyType: 'HASH' as const },
    { AttributeName: range, KeyType: 'RANGE' as const },
  ];
  await client.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk', liveIndex.pk, liveIndex.sk].map(text),
      KeySchema: keySchema('pk', 'sk'),
      GlobalSecondaryIndexes: [
        {
          IndexName: liveIndex.name,
          KeySchema: keySchema(liveIndex.pk, liveIndex.sk),
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    }),
  );
  for (;;) {
    const { Table: made } = await client.send(new DescribeTableCommand({ TableName: tableName }));
    if (made?.TableStatus === 'ACTIVE') return;
  }
};

const scan = async (client: DynamoDBClient, tableName: string): Promise<Item[]> => {
  const items: Item[] = [];
  // The options are kept on the client itself, so others here would replace those of `openTable`.
  const documents = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
  const pages = paginateScan({ client: documents }, { TableName: tableName, ConsistentRead: true });
  for await (const page of pages) items.push(...(page.Items ?? []));
  const keyOf = (item: Item) => `${item.pk}\n${item.sk}`;
  return items.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
};

/** Makes the table. Call `close` at the end of the tests. */
export const openTestTable = async (
  endpointElsewhere = process.env.DYNAMODB_ENDPOINT,
): Promise<TestTable> => {
  const started = endpointElsewhere ? undefined : await startDynalite();
  const endpoint = endpointElsewhere ?? started?.endpoint ?? '';
  const client = new DynamoDBClient({
    endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    ...started?.options,
  });
  const tableName = `test-${randomUUID()}`;
  await createTable(client, tableName);
  return {
    table: openTable(tableName, client),
    tableName,
    endpoint,
    client,
    dump: () => scan(client, tableName),
    close: async () => {
      await client.send(new DeleteTableCommand({ TableName: tableName }));
      client.destroy();
      await started?.stop();
    },
  };
};
