/** The single table: its keys, and the calls that all stores use, as data rather than expression strings. */
import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { DynamoDBClient, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import type { Instant, ProjectId, SessionId, TaskId } from '../../protocol/index.ts';
import type { PricedType } from '../core/costs/prices.ts';
import { type Condition, compileCondition, compileUpdate, type Update } from './expressions.ts';
import { checkItemSize, ItemTooLarge } from './item-size.ts';
import type { UnreadableItem } from './unreadable-item.ts';

/** Owner of runners: a project, or all projects. Also their partition. */
export type Pool = ProjectId | 'global';

/**
 * Partition and sort key of every item; docs/contributing/architecture.md has the same as a table.
 * Resources of a project share its partition, and the prefix of the id tells the kind.
 */
export const keys = {
  project: (id: ProjectId) => ({ pk: 'projects', sk: id }),
  /**
   * Any resource of a pool: tpl_, inv_, rep_, key_, env_, int_, iev_, sch_, run_, tsk_, msg_, ses_, reg_,
   * ivt_.
   */
  resource: (pool: Pool, id: string) => ({ pk: pool, sk: id }),
  /** Second item of a session that lasted over a day: finds it by its end. */
  longSession: (pool: Pool, endedAt: Instant, id: SessionId) => ({ pk: pool, sk: `end_${endedAt}_${id}` }),
  longSessionsFrom: (endedAt: Instant) => ({ from: `end_${endedAt}`, to: 'end_~' }),
  logChunk: (taskId: TaskId, attempt: number, seq: number) => ({
    pk: logPartition(taskId, attempt),
    sk: logSortKey(seq),
  }),
  apiToken: (id: string) => ({ pk: 'tokens', sk: id }),
  instance: (instanceId: string) => ({ pk: `instance#${instanceId}`, sk: 'binding' }),
  /** Runners of a fleet. */
  fleet: (name: string) => ({ pk: 'fleets', sk: name }),
  /** Runner whose start waits for a batch; `runner` is `{pool}/{id}`. */
  waitingStart: (region: string, runner: string) => ({ pk: `starts#${region}`, sk: runner }),
  /** Lease of the one caller of StartInstances in a region. */
  startLease: (region: string) => ({ pk: `start-lease#${region}`, sk: 'lease' }),
  /** Hashed signature of an enrolment: valid once. */
  seenEnrolment: (hash: string) => ({ pk: `seen#enrolment#${hash}`, sk: 'enrolment' }),
  /** Task that a client's key stands for. */
  startKey: (projectId: ProjectId, hash: string) => ({ pk: `seen#start#${projectId}`, sk: hash }),
  seenWebhook: (deliveryId: string, timestamp: string) => ({ pk: `seen#${deliveryId}`, sk: timestamp }),
  /** Event of an integration. */
  integrationEvent: (integrationId: string, id: string) => ({ pk: `integration#${integrationId}`, sk: id }),
  /** The sender's id of a delivery, hashed. */
  seenIntegrationEvent: (integrationId: string, hash: string) => ({
    pk: `integration#${integrationId}`,
    sk: `seen#${hash}`,
  }),
  user: (id: string) => ({ pk: 'users', sk: id }),
  /** Binds an e-mail address to one person. */
  userEmail: (email: string) => ({ pk: `email#${email}`, sk: 'user' }),
  /** `scope` is a project's id, or `stack`. */
  auditEvent: (scope: string, id: string) => ({ pk: `audit#${scope}`, sk: id }),
  /** Number of attempts in a time window. */
  attempts: (what: string, window: string) => ({ pk: `attempts#${what}`, sk: window }),
  /** Task in the line of a queue, by its rank; in the global queue's, each project has a partition. */
  inLine: (queue: string, project: ProjectId | undefined, rank: string) => ({
    pk: project === undefined ? `line#${queue}` : `line#${queue}#${project}`,
    sk: rank,
  }),
  /** Project with tasks in the global queue's line. */
  globalLine: (project?: ProjectId) => ({ pk: 'line#global', sk: project ?? '' }),
  semaphoreHook: (id: string) => ({ pk: 'semaphore', sk: id }),
  /** Circuit breaker of a webhook URL. */
  circuit: (urlHash: string) => ({ pk: `circuit#${urlHash}`, sk: 'state' }),
  /** Data key of a pool, or of the stack. */
  dataKey: (scope: string, id: string) => ({ pk: scope, sk: id }),
  passPlaces: () => ({ pk: 'stack', sk: 'reconcile' }),
  secretRotation: () => ({ pk: 'stack', sk: 'secret-rotation' }),
  stackSecrets: () => ({ pk: 'stack', sk: 'secrets' }),
  signInProvider: () => ({ pk: 'stack', sk: 'sign-in-provider' }),
  /** Partition of prices. */
  prices: 'prices',
  price: ({ region, instanceType }: PricedType) => ({ pk: 'prices', sk: `${region}#${instanceType}` }),
  /** Lock of a name for one item of a kind; `partition` is the item's. */
  name: (partition: string, kind: string, name: string) => ({ pk: partition, sk: `name#${kind}#${name}` }),
  /** Marks that items from before locks existed have theirs. */
  namesAdopted: (partition: string, kind: string) => ({ pk: partition, sk: `names#${kind}` }),
  firstToken: () => ({ pk: 'stack', sk: 'first-token' }),
};

export const logPartition = (taskId: TaskId, attempt: number) => `${taskId}#${attempt}`;
export const logSortKey = (seq: number) => String(seq).padStart(10, '0');

/** Sparse index of live items. Keys only, so that an update of an item doesn't write to it. */
export const liveIndex = { name: 'live', pk: 'live', sk: 'liveKey' } as const;
export type LiveKind = 'task' | 'runner' | 'delivery' | 'schedule' | 'event' | 'semaphore';

export interface Key {
  readonly pk: string;
  readonly sk: string;
}
/** Returns each key once: BatchGetItem refuses duplicates. */
export const unique = (all: readonly Key[]): Key[] => [
  ...new Map(all.map((key) => [`${key.pk}\n${key.sk}`, key])).values(),
];

/** Key in the index. */
export interface LiveKey extends Key {
  readonly liveKey: string;
}
export type Item = Record<string, unknown>;

export interface Query {
  readonly pk: string;
  /** Limits sort keys to this prefix. */
  readonly prefix?: string;
  /** First sort key, inclusive; not together with a prefix. */
  readonly from?: string;
  /** Last sort key, inclusive; needs `from`. */
  readonly to?: string;
  readonly where?: readonly Condition[];
  /** Sorts newest first. */
  readonly descending?: boolean;
  /** Maximum items read, before `where`. */
  readonly limit?: number;
  readonly after?: Key;
}

/**
 * One write of a transaction, or (`check`) conditions on an item that it does not write. Without conditions
 * the item must exist.
 */
export type TransactWrite = { readonly conditions?: readonly Condition[] } & (
  | { readonly put: Key & Item }
  | { readonly update: Key; readonly change: Update }
  | { readonly remove: Key }
  | { readonly check: Key }
);

/** Storage of all stores. Reads are consistent, except those of the index. */
export interface Table {
  /** Reports an item that a list skipped. */
  reportUnreadable(found: UnreadableItem): void;
  get(key: Key): Promise<Item | undefined>;
  /** Reads items in no order; leaves out missing ones. */
  batchGet(keys: readonly Key[]): Promise<Item[]>;
  /** Writes an item. False when a condition did not hold. Throws ItemTooLarge. */
  put(item: Key & Item, conditions?: readonly Condition[]): Promise<boolean>;
  /**
   * Returns the updated item (`returns: 'old'`: the previous one); undefined when a condition did not hold.
   * Throws ItemTooLarge.
   */
  update(
    key: Key,
    update: Update,
    conditions: readonly Condition[],
    returns?: 'new' | 'old',
  ): Promise<Item | undefined>;
  /** Removes an item. False when a condition did not hold. */
  remove(key: Key, conditions?: readonly Condition[]): Promise<boolean>;
  /**
   * Writes all or nothing, each item at most once. Returns the writes whose conditions did not hold: none
   * when all was written. Throws ItemTooLarge.
   */
  transact(writes: readonly TransactWrite[]): Promise<readonly TransactWrite[]>;
  query(query: Query): Promise<{ items: Item[]; next?: Key }>;
  /**
   * Lists keys of live items by kind and prefix of the live key, in that key's order. Index reads lag a
   * moment behind.
   */
  queryLive(kind: LiveKind, prefix?: string, atMost?: number): AsyncGenerator<LiveKey>;
}

const conditionFailed = (error: unknown): boolean =>
  error instanceof Error && error.name === 'ConditionalCheckFailedException';

const orIfConditionFails = async <T, U>(write: Promise<T>, otherwise: U): Promise<T | U> => {
  try {
    return await write;
  } catch (error) {
    if (conditionFailed(error)) return otherwise;
    throw error;
  }
};

/** DynamoDB's error for an update that makes an item too large: only DynamoDB knows the rest of the item. */
const isTooLarge = (error: unknown): boolean =>
  error instanceof Error && error.name === 'ValidationException' && /item size/i.test(error.message);

/** Another transaction was writing one of the items. DynamoDB rejects at once, and the SDK does not retry. */
const isConflict = (error: unknown): boolean =>
  error instanceof TransactionCanceledException
    ? (error.CancellationReasons ?? []).some(({ Code }) => Code === 'TransactionConflict')
    : error instanceof Error && error.name === 'TransactionConflictException';

/** Error after the last try of a contested transaction, with DynamoDB's name for a single write. */
class TransactionConflict extends Error {
  override readonly name = 'TransactionConflictException';
}

const conflictTries = 7;
const firstPauseMs = 20;

/** Retries for 1.3 s to 2.5 s in total while another transaction writes one of the items. */
const untilFree = async <T>(write: () => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await write();
    } catch (error) {
      if (!isConflict(error)) throw error;
      if (tries === conflictTries) throw new TransactionConflict('Others write this item.', { cause: error });
      const atMostMs = firstPauseMs * 2 ** tries;
      await pause(randomInt(atMostMs / 2, atMostMs));
    }
  }
};

/** Maximum items of one BatchGetItem (AWS: BatchGetItem). */
const batchGetLimit = 100;

/** Opens the table over DynamoDB. */
export const openTable = (
  name: string,
  dynamoDb = new DynamoDBClient(),
  reportUnreadable: Table['reportUnreadable'] = () => {},
): Table => {
  const client = DynamoDBDocumentClient.from(dynamoDb, { marshallOptions: { removeUndefinedValues: true } });
  const TableName = name;

  const batchGet = async (batch: readonly Key[]): Promise<Item[]> => {
    if (batch.length === 0) return [];
    const head = batch.slice(0, batchGetLimit).map(({ pk, sk }) => ({ pk, sk }));
    const answer = await client.send(
      new BatchGetCommand({ RequestItems: { [TableName]: { Keys: head, ConsistentRead: true } } }),
    );
    const left = (answer.UnprocessedKeys?.[TableName]?.Keys ?? []).map(
      (key): Key => ({ pk: String(key.pk), sk: String(key.sk) }),
    );
    const rest = await batchGet([...left, ...batch.slice(batchGetLimit)]);
    return [...(answer.Responses?.[TableName] ?? []), ...rest];
  };

  return {
    reportUnreadable,
    batchGet,

    get: async (key) =>
      (await client.send(new GetCommand({ TableName, Key: { ...key }, ConsistentRead: true }))).Item,

    put: async (item, conditions = []) => {
      checkItemSize(item);
      const command = new PutCommand({ TableName, Item: item, ...compileCondition(conditions) });
      return orIfConditionFails(
        untilFree(() => client.send(command)).then(() => true),
        false,
      );
    },

    update: async (key, update, conditions, returns = 'new') => {
      checkItemSize({ ...update.set, ...update.setIfMissing, pk: key.pk, sk: key.sk });
      const command = new UpdateCommand({
        TableName,
        Key: { ...key },
        ReturnValues: returns === 'new' ? 'ALL_NEW' : 'ALL_OLD',
        ...compileUpdate(update, conditions),
      });
      try {
        return (
          await orIfConditionFails(
            untilFree(() => client.send(command)),
            undefined,
          )
        )?.Attributes;
      } catch (error) {
        throw isTooLarge(error) ? new ItemTooLarge(key, { ...update.set, ...update.add }) : error;
      }
    },

    remove: (key, conditions = []) =>
      orIfConditionFails(
        untilFree(() =>
          client.send(new DeleteCommand({ TableName, Key: { ...key }, ...compileCondition(conditions) })),
        ).then(() => true),
        false,
      ),

    transact: async (writes) => {
      for (const write of writes) {
        if ('put' in write) checkItemSize(write.put);
        if ('update' in write)
          checkItemSize({ ...write.change.set, ...write.change.setIfMissing, ...write.update });
      }
      const TransactItems = writes.map((write) => {
        const { conditions = [] } = write;
        const condition = { TableName, ...compileCondition(conditions) };
        if ('put' in write) return { Put: { Item: write.put, ...condition } };
        if ('remove' in write) return { Delete: { Key: { ...write.remove }, ...condition } };
        if ('update' in write)
          return {
            Update: { TableName, Key: { ...write.update }, ...compileUpdate(write.change, conditions) },
          };
        const exists = { ConditionExpression: 'attribute_exists(pk)' };
        return { ConditionCheck: { Key: { ...write.check }, ...exists, ...condition } };
      });
      try {
        await untilFree(() => client.send(new TransactWriteCommand({ TransactItems })));
        return [];
      } catch (error) {
        if (!(error instanceof TransactionCanceledException)) throw error;
        const reasons = error.CancellationReasons ?? [];
        for (const [index, { Code, Message = '' }] of reasons.entries()) {
          const write = writes[index];
          if (Code === 'ValidationError' && /item size/i.test(Message) && write && 'update' in write)
            throw new ItemTooLarge(write.update, { ...write.change.set, ...write.change.add });
        }
        const failed = writes.filter((_, index) => reasons[index]?.Code === 'ConditionalCheckFailed');
        if (failed.length === 0) throw error;
        return failed;
      }
    },

    query: async ({ pk, prefix, from, to, where = [], descending = false, limit, after }) => {
      const range =
        prefix !== undefined
          ? { text: ' AND begins_with(sk, :prefix)', values: { ':prefix': prefix } }
          : from !== undefined
            ? { text: ' AND sk BETWEEN :from AND :to', values: { ':from': from, ':to': to ?? '\uffff' } }
            : { text: '', values: {} };
      const filter = compileCondition(where);
      const answer = await client.send(
        new QueryCommand({
          TableName,
          ConsistentRead: true,
          KeyConditionExpression: `pk = :pk${range.text}`,
          ExpressionAttributeValues: { ':pk': pk, ...range.values, ...filter.ExpressionAttributeValues },
          ScanIndexForward: !descending,
          FilterExpression: filter.ConditionExpression,
          ExpressionAttributeNames: filter.ExpressionAttributeNames,
          Limit: limit,
          ExclusiveStartKey: after && { ...after },
        }),
      );
      const next = answer.LastEvaluatedKey;
      return {
        items: answer.Items ?? [],
        next: next && { pk: String(next.pk), sk: String(next.sk) },
      };
    },

    queryLive: async function* (kind, prefix, atMost = Number.POSITIVE_INFINITY) {
      let from: Item | undefined;
      let left = atMost;
      do {
        const answer = await client.send(
          new QueryCommand({
            TableName,
            IndexName: liveIndex.name,
            KeyConditionExpression: prefix ? '#live = :kind AND begins_with(#key, :prefix)' : '#live = :kind',
            ExpressionAttributeNames: { '#live': liveIndex.pk, ...(prefix && { '#key': liveIndex.sk }) },
            ExpressionAttributeValues: { ':kind': kind, ...(prefix && { ':prefix': prefix }) },
            Limit: Number.isFinite(left) ? left : undefined,
            ExclusiveStartKey: from,
          }),
        );
        for (const item of answer.Items ?? []) {
          yield { pk: String(item.pk), sk: String(item.sk), liveKey: String(item[liveIndex.sk]) };
        }
        left -= answer.Items?.length ?? 0;
        from = answer.LastEvaluatedKey;
      } while (from && left > 0);
    },
  };
};

/**
 * Reads all items of a query, page after page. For sets that are small or bounded by keys: the runners of a
 * pool, a week's tasks.
 */
export const queryAll = async (table: Table, query: Query): Promise<Item[]> => {
  const found: Item[] = [];
  for (let page = await table.query(query); ; page = await table.query({ ...query, after: page.next })) {
    found.push(...page.items);
    if (!page.next) return found;
  }
};
