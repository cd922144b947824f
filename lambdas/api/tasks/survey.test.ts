import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problem, task } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { unique } from '../../../test/unique.ts';
import { type ApiFixture, openApiFixture } from '../testing/fixture.ts';

let table: TestTable;
let api: ApiFixture;
beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table);
});
afterAll(() => table?.close());

const survey = [
  { name: 'version', title: 'Version', type: 'string', required: true },
  { name: 'pin', title: 'PIN', type: 'secret' },
];

const aTemplate = async (fields: object = {}) => {
  const base = `/api/projects/${await api.make('/api/projects', { name: unique('Web') })}`;
  const body = { name: 'Deploy', app: 'bash', script: 'true', survey, ...fields };
  return { base, templateId: await api.make(`${base}/templates`, body) };
};

describe('the survey of a template', () => {
  it('is answered at the start of a task, and a secret answer is never shown', async () => {
    const { base, templateId } = await aTemplate();
    const answers = { version: '1.2', pin: 'hush-hush-4711' };
    const started = await api.call('POST', `${base}/tasks`, { templateId, survey: answers });
    const shown = [
      started,
      await api.call('GET', `${base}/tasks/${task.parse(started).id}`),
      await api.call('GET', `${base}/tasks`),
    ];
    for (const answer of shown) expect(JSON.stringify(answer)).not.toContain('4711');
    expect(started).toMatchObject({ survey: { version: '1.2' } });
  });

  it('reports each wrong answer as a field error, and starts no task', async () => {
    const { base, templateId } = await aTemplate();
    const refused = await api.request('POST', `${base}/tasks`, {
      body: { templateId, survey: { pin: '1', other: 'x' } },
    });
    expect(refused.status).toBe(422);
    expect(problem.parse(await refused.json()).errors).toEqual([
      { path: 'survey.version', message: 'is required' },
      { path: 'survey.other', message: "is not a variable of the template's survey" },
    ]);
    expect(await api.call('GET', `${base}/tasks`)).toEqual({ items: [] });
  });
});

describe('the options of an app', () => {
  it('are refused for a task of another app', async () => {
    const { base, templateId } = await aTemplate({ survey: [] });
    const refused = await api.request('POST', `${base}/tasks`, {
      body: { templateId, ansible: { check: true }, terraform: { action: 'plan' } },
    });
    expect(problem.parse(await refused.json()).errors?.map(({ path }) => path)).toEqual([
      'ansible.check',
      'terraform.action',
    ]);
  });

  it('are refused for another app, and with keys that the project lacks', async () => {
    const { base } = await aTemplate();
    const wrong = { name: 'x', app: 'bash', script: 'true', ansible: { check: true } };
    expect((await api.request('POST', `${base}/templates`, { body: wrong })).status).toBe(422);
    const { base: other } = await aTemplate();
    const foreign = await api.make(`${other}/keys`, { name: 'k', secret: { type: 'string', value: 'v' } });
    const body = { name: 'x', app: 'ansible', script: '-', ansible: { becomeKeyId: foreign } };
    const refused = await api.request('POST', `${base}/templates`, { body });
    expect(problem.parse(await refused.json())).toMatchObject({ code: 'invalid_reference' });
  });

  it('protect a key from removal', async () => {
    const { base } = await aTemplate();
    const keyId = await api.make(`${base}/keys`, { name: 'Vault', secret: { type: 'string', value: 'v' } });
    const body = { name: 'Play', app: 'ansible', script: '-', ansible: { vaultKeys: [{ keyId }] } };
    await api.make(`${base}/templates`, body);
    const refused = await api.request('DELETE', `${base}/keys/${keyId}`);
    expect(problem.parse(await refused.json()).detail).toContain('template "Play"');
  });
});

describe('confirming', () => {
  it('is refused while the task does not wait for it', async () => {
    const { base, templateId } = await aTemplate({ survey: [] });
    const { id } = task.parse(await api.call('POST', `${base}/tasks`, { templateId }));
    for (const verb of ['confirm', 'reject']) {
      const refused = await api.request('POST', `${base}/tasks/${id}/${verb}`);
      expect(problem.parse(await refused.json())).toMatchObject({ code: 'not_waiting_confirmation' });
    }
  });
});
