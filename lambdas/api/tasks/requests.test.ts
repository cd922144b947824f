/** Requests of DynamoDB by a task on an idle runner. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logPage, task } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { type ApiFixture, openApiFixture } from '../testing/fixture.ts';

/** Names of requests in order; those in one list overlap. */
let steps: string[][] = [];
let underWay = 0;
let table: TestTable;
let api: ApiFixture;
beforeAll(async () => {
  table = await openTestTable();
  table.client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        if (underWay === 0) steps.push([]);
        steps.at(-1)?.push(commandName.replace('Command', ''));
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

const openProject = async () => {
  const project = await api.make('/api/projects', { name: 'Requests' });
  const base = `/api/projects/${project}`;
  const runner = await api.createRunner(`${base}/runners`, { name: 'one', instanceId: 'i-0000000a' });
  const session = await api.startAgent(runner);
  const templateId = await api.make(`${base}/templates`, { name: 'Deploy', app: 'bash', script: 'true' });
  return { project, base, session, templateId };
};

describe('the requests of a task', () => {
  it('are five for its start, with two reads at once, and three for the end with its log', async () => {
    const { project, base, session, templateId } = await openProject();
    const [{ id }, start] = await stepsOf(() => api.startTask(project, templateId));
    expect(start).toEqual([
      // The caller's token, which `api` remembers for 30 s.
      ['GetItem'],
      ['BatchGetItem', 'Query'],
      ['PutItem'],
      ['UpdateItem'],
      ['PutItem'],
    ]);

    const { lease, finishTakesLog } = await api.claim(session, project, id);
    expect(finishTakesLog).toBe(true);
    const at = '2026-03-01T12:00:00.000Z';
    const chunks = [{ seq: 0, entries: [{ at, stream: 'stdout', text: 'hello\n' }] }];
    const report = { lease, status: 'success', exitCode: 0, logChunks: 1, chunks };
    const [, finish] = await stepsOf(() => api.call('POST', '/api/agent/finish', report, session));
    // First the retention of the project's log, which `api` remembers for five minutes.
    expect(finish).toEqual([['GetItem'], ['PutItem'], ['UpdateItem'], ['UpdateItem'], ['Query']]);

    const log = logPage.parse(await api.call('GET', `${base}/tasks/${id}/log`));
    expect(log.entries).toMatchObject([{ text: 'hello\n' }]);
    const ended = task.parse(await api.call('GET', `${base}/tasks/${id}`));
    expect(ended).toMatchObject({ status: 'success', startedAt: ended.finishedAt });
  });
});
