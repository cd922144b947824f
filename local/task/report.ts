/** Collects what the local stack knows of one task. */
import { existsSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetQueueAttributesCommand, QueueDoesNotExist, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient, GetCommand, paginateScan, QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { readInstances } from '../aws/ec2/store.ts';
import type { Operator } from '../operator-file.ts';

const item = z.record(z.string(), z.unknown());
type Item = z.infer<typeof item>;
const taskFields = z.object({ pk: z.string(), queue: z.string(), runnerId: z.string().optional() });
const runnerFields = z.object({ name: z.string(), status: z.string(), instanceId: z.string().optional() });
const deliveryFields = z.object({
  createdAt: z.string(),
  body: z.object({ action: z.string() }),
  status: z.string(),
  url: z.string(),
  attempts: z.array(
    z.object({ at: z.string(), statusCode: z.number().optional(), error: z.string().optional() }),
  ),
});

/** Formats an item; bytes, such as an encrypted payload, by their number. */
const format = (value: Item): string =>
  JSON.stringify(
    value,
    (_, part: unknown) => {
      if (part instanceof Uint8Array) return `<${part.length} bytes>`;
      return part instanceof Set ? [...part] : part;
    },
    2,
  );

const section = (title: string, lines: readonly string[]): string =>
  [title, ...lines.map((line) => `  ${line.replaceAll('\n', '\n  ')}`)].join('\n');

/** Reads the one table of the stack. */
const tableOf = ({ endpoint, region, credentials, tableName: TableName }: Operator) => {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ endpoint, region, credentials }));
  return {
    /** Looks at all items: only a live task is in an index. */
    find: async (sk: string): Promise<Item | undefined> => {
      const filter = { FilterExpression: 'sk = :sk', ExpressionAttributeValues: { ':sk': sk } };
      for await (const { Items } of paginateScan({ client }, { TableName, ...filter })) {
        const [found] = z.array(item).parse(Items);
        if (found) return found;
      }
      return undefined;
    },
    get: async (pk: string, sk: string): Promise<Item | undefined> =>
      item.optional().parse((await client.send(new GetCommand({ TableName, Key: { pk, sk } }))).Item),
    query: async (pk: string, prefix: string): Promise<readonly unknown[]> => {
      const values = { ':pk': pk, ':prefix': prefix };
      const KeyConditionExpression = 'pk = :pk and begins_with(sk, :prefix)';
      const query = { TableName, KeyConditionExpression, ExpressionAttributeValues: values };
      return (await client.send(new QueryCommand(query))).Items ?? [];
    },
  };
};

const describeRunner = (runner: Item | undefined, id: string | undefined, dataDir: string): string => {
  if (id === undefined) return section('Runner: none is assigned.', []);
  if (!runner) return section(`Runner ${id} is removed.`, []);
  const { name, status, instanceId } = runnerFields.parse(runner);
  const instances = readInstances(join(dataDir, 'instances.json')) ?? [];
  const state = instances.find((one) => one.id === instanceId)?.state ?? 'not in EC2';
  const instance = instanceId === undefined ? 'no instance' : `instance ${instanceId} is ${state}`;
  return section(`Runner ${id}: "${name}" is ${status}; ${instance}.`, [format(runner)]);
};

const describeDelivery = (given: unknown): string => {
  const { createdAt, body, status, url, attempts } = deliveryFields.parse(given);
  const tries = attempts.map(
    ({ at, statusCode, error }) => `\n  ${at} ${statusCode ?? error ?? 'no answer'}`,
  );
  return `${createdAt} ${body.action} to ${url}: ${status}${tries.join('')}`;
};

const describeQueue = async (operator: Operator, queue: string): Promise<string> => {
  const { endpoint, region, credentials, queueUrlPrefix } = operator;
  const client = new SQSClient({ endpoint, region, credentials, useQueueUrlAsEndpoint: false });
  try {
    const { Attributes: counts = {} } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: `${queueUrlPrefix}${queue}`, AttributeNames: ['All'] }),
    );
    const { ApproximateNumberOfMessages: waiting, ApproximateNumberOfMessagesNotVisible: inFlight } = counts;
    return `Queue ${queue}: messages waiting ${waiting}, in flight ${inFlight}.`;
  } catch (error) {
    if (error instanceof QueueDoesNotExist) return `Queue ${queue} does not exist.`;
    throw error;
  }
};

/** Returns the lines that name the task, by log file. */
const logLines = async (folder: string, id: string): Promise<string[]> => {
  const files = existsSync(folder) ? (await readdir(folder)).filter((name) => name.endsWith('.log')) : [];
  const sections: string[] = [];
  for (const file of files.toSorted()) {
    const lines: string[] = [];
    const handle = await open(join(folder, file));
    for await (const line of handle.readLines()) if (line.includes(id)) lines.push(line);
    if (lines.length > 0) sections.push(section(`Log of ${basename(file, '.log')}:`, lines));
  }
  return sections;
};

/** Returns the report; undefined when the table has no such task. */
export const reportTask = async (
  operator: Operator,
  dataDir: string,
  id: string,
): Promise<string | undefined> => {
  const table = tableOf(operator);
  const task = await table.find(id);
  if (!task) return undefined;
  const { pk: projectId, queue, runnerId } = taskFields.parse(task);
  const runner =
    runnerId && ((await table.get(projectId, runnerId)) ?? (await table.get('global', runnerId)));
  const deliveries = await table.query(projectId, `${id.replace('tsk_', 'msg_')}_`);
  return [
    section(`Task ${id}:`, [format(task)]),
    describeRunner(runner || undefined, runnerId, dataDir),
    section(`Webhook deliveries: ${deliveries.length || 'none'}`, deliveries.map(describeDelivery)),
    await describeQueue(operator, queue),
    ...(await logLines(join(dataDir, 'logs'), id)),
  ].join('\n\n');
};
