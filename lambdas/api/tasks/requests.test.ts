/** Requests to DynamoDB of a task on an idle runner. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claimResponse, logPage, task, taskPayload } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { unique } from '../../../test/unique.ts';
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

let instances = 0;
const anInstance = () => {
  instances += 1;
  return `i-0000000${instances}`;
};

const openProject = async () => {
  const project = await api.make('/api/projects', { name: unique('Requests') });
  const base = `/api/projects/${project}`;
  const runner = await api.createRunner(`${base}/runners`, { name: 'one', instanceId: anInstance() });
  const session = await api.startAgent(runner);
  const { privateKey = '' } = runner;
  const templateId = await api.make(`${base}/templates`, { name: 'Deploy', app: 'bash', script: 'true' });
  return { project, base, session, privateKey, templateId };
};

describe('the requests of a task', () => {
  it('are five for its start, four for its claim and four for its end, with reads at once', async () => {
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

    const hint = {
      projectId: project,
      taskId: id,
      queue: project,
      aloneAt: api.deps.now(),
      parts: { templateId },
    };
    const [answer, claim] = await stepsOf(() => api.call('POST', '/api/agent/claim', hint, session));
    expect(claim.flat()).toEqual(['BatchGetItem', 'Query', 'UpdateItem', 'UpdateItem']);
    // The parts are read while the claim looks at the line and takes the slot.
    expect(claim[0]).toEqual(expect.arrayContaining(['BatchGetItem', 'Query']));
    const { lease, finishTakesLog } = claimResponse.parse(answer);
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

  it('are for the parts of the claimed task, whatever its agent names', async () => {
    const { project, base, session, privateKey, templateId } = await openProject();
    const other = { name: 'Other', app: 'bash', script: 'false' };
    const parts = { templateId: await api.make(`${base}/templates`, other) };
    const { id } = await api.startTask(project, templateId);
    const hint = { projectId: project, taskId: id, queue: project, aloneAt: api.deps.now(), parts };
    const { payload } = claimResponse.parse(await api.call('POST', '/api/agent/claim', hint, session));
    const opened = taskPayload.parse(JSON.parse(await api.open(payload, privateKey)));
    expect(opened).toMatchObject({ templateName: 'Deploy', script: 'true' });
  });
});
