/** DynamoDB's stand-in: dynalite in this process, its tables on disk. */
import type { RequestListener } from 'node:http';
import { promisify } from 'node:util';
import dynalite from 'dynalite';
import { Level } from 'level';
import inject from 'light-my-request';
import { inProcess } from '../gateway/in-process.ts';
import { listenOnLoopback } from '../http-server.ts';
import type { TableSpec } from '../template/stack-spec.ts';
import { AwsError, type AwsService } from './call.ts';
import { addTransactions, callDynalite } from './transactions.ts';

export interface DynamoDb {
  readonly service: AwsService;
  stop(): Promise<void>;
}

/**
 * Rejects when another process has the store open: dynalite would fail only in the middle of its first call.
 */
const checkFree = async (path: string): Promise<void> => {
  const store = new Level(path);
  try {
    await store.open();
  } catch (error) {
    throw new Error(
      `The data in ${path} cannot be opened: stop the other stack that uses it, or choose another folder with --data.`,
      { cause: error },
    );
  }
  await store.close();
};

/** Opens the store in `path` (in memory without one) and creates missing tables. */
export const startDynamoDb = async (tables: readonly TableSpec[], path?: string): Promise<DynamoDb> => {
  if (path !== undefined) await checkFree(path);
  const server = dynalite({ path, createTableMs: 0 });
  const listener = addTransactions(server);
  // dynalite closes its store only with a listening server. Calls come through the gateway and never through
  // this port.
  server.removeAllListeners('request');
  server.on('request', (_request, response) => response.writeHead(403).end());
  await listenOnLoopback(server, 0);

  const dispatch = inProcess((options) => inject(listener, options));
  const underWay = new Set<Promise<unknown>>();
  let isStopped = false;
  const service: AwsService = async (call) => {
    if (isStopped) throw new AwsError('ServiceUnavailable', 'The stack has been stopped.', 503);
    if (call.operation === 'UpdateTimeToLive') {
      throw new AwsError('UnknownOperationException', 'The stack on one machine expires no items.');
    }
    const answer = dispatch(call);
    underWay.add(answer);
    try {
      return await answer;
    } finally {
      underWay.delete(answer);
    }
  };
  for (const table of tables) await createTable(listener, table);
  return {
    service,
    stop: async () => {
      // A function that was killed during a call leaves it running, and dynalite throws when its store
      // closes.
      isStopped = true;
      await Promise.allSettled(underWay);
      server.closeAllConnections();
      await promisify(server.close.bind(server))();
    },
  };
};

const createTable = async (listener: RequestListener, table: TableSpec): Promise<void> => {
  const answer = await callDynalite(listener, 'CreateTable', {
    TableName: table.name,
    AttributeDefinitions: table.attributeDefinitions,
    KeySchema: table.keySchema,
    BillingMode: 'PAY_PER_REQUEST',
    GlobalSecondaryIndexes:
      table.globalSecondaryIndexes.length > 0 ? table.globalSecondaryIndexes : undefined,
  });
  if (answer.statusCode !== 200 && !answer.payload.includes('ResourceInUseException')) {
    throw new Error(`The table ${table.name} cannot be made: ${answer.payload}`);
  }
};
