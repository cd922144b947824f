/** Requests of DynamoDB by a task on an idle runner: each waits for those before it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { type ApiFixture, openApiFixture } from '../testing/fixture.ts';

/** Names of requests; those in one list overlap. */
let steps: string[][] = [];
let underWay = 0;
let table: TestTable;
let api: ApiFixture;
beforeAll(async () => {
  table = await openTestTable();
  table.client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const name = commandName.replace('Command', '');
        if (underWay === 0) steps.push([]);
        steps.at(-1)?.push(name);
        underWay += 1;
        try {
          return await next(args);
        } finally {
          underWay -= 1;
        }
      },
    { step: 'initialize' },
  );
  api = await openApiFixture(table);
});
afterAll(() => table?.close());

const stepsOf = async <T>(call: () => Promise<T>): Promise<[T, string[][]]> => {
  steps = [];
  return [await call(), steps];
};

it('are five for its start, of which two reads are made at once', async () => {
  const project = await api.make('/api/projects', { name: 'Requests' });
  const base = `/api/projects/${project}`;
  const runner = await api.createRunner(`${base}/runners`, { name: 'one', instanceId: 'i-0000000a' });
  await api.startAgent(runner);
  const templateId = await api.make(`${base}/templates`, { name: 'Deploy', app: 'bash', script: 'true' });
  const [, starting] = await stepsOf(() => api.startTask(project, templateId));
  expect(starting).toEqual([
    // The caller's token, which `api` remembers for 30 s.
    ['GetItem'],
    ['BatchGetItem', 'Query'],
    ['PutItem'],
    ['UpdateItem'],
    ['PutItem'],
  ]);
});
