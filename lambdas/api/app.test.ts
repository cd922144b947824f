import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  createdRunner,
  delivery,
  logPage,
  project,
  task,
  taskPayload,
  template,
} from '../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../test/dynamodb.ts';
import { unique } from '../../test/unique.ts';
import { type ApiFixture, openApiFixture } from './testing/fixture.ts';

let table: TestTable;
let api: ApiFixture;
beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table);
});
afterAll(() => table?.close());

const items = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().optional() });
const identified = z.looseObject({ id: z.string() });

const aProject = async () => project.parse(await api.call('POST', '/api/projects', { name: unique('Web') }));
const aTemplate = async (projectId: string, fields: object = {}) =>
  template.parse(
    await api.call('POST', `/api/projects/${projectId}/templates`, {
      name: 'Deploy',
      app: 'bash',
      script: 'echo hello',
      ...fields,
    }),
  );

describe('resources', () => {
  it('are created with their place, read, listed, replaced and removed', async () => {
    const { id } = await aProject();
    const path = `/api/projects/${id}/repositories`;
    const body = { name: 'Playbooks', url: 'https://example.org/a.git' };
    const made = await api.request('POST', path, { body });
    expect(made.status).toBe(201);
    const repository = identified.parse(await made.json());
    const location = made.headers.get('location') ?? '';
    expect(location).toBe(`${path}/${repository.id}`);
    expect(repository).toMatchObject({ ...body, branch: 'main', projectId: id });

    expect(await api.call('GET', location)).toEqual(repository);
    expect(await api.call('GET', path)).toEqual({ items: [repository] });
    expect(await api.call('PUT', location, { ...body, branch: 'next' })).toEqual({
      ...repository,
      branch: 'next',
    });
    expect((await api.request('DELETE', location)).status).toBe(204);
    expect((await api.request('GET', location)).status).toBe(404);
  });

  it('are removed only when unused; the refusal names the users', async () => {
    const { id } = await aProject();
    const base = `/api/projects/${id}`;
    const secret = { type: 'string', value: 'hunter2-hunter2' };
    const key = identified.parse(await api.call('POST', `${base}/keys`, { name: 'Vault', secret }));
    expect(JSON.stringify(key)).not.toContain('hunter2');
    const inventoryId = await api.make(`${base}/inventories`, {
      name: 'Hosts',
      type: 'static',
      content: 'localhost',
      keyId: key.id,
    });
    const { id: templateId } = await aTemplate(id, { inventoryId });

    expect(await api.refused('DELETE', `${base}/keys/${key.id}`)).toMatchObject({
      status: 409,
      code: 'in_use',
      detail: expect.stringContaining('inventory "Hosts"'),
    });
    expect(await api.refused('DELETE', `${base}/inventories/${inventoryId}`)).toMatchObject({
      code: 'in_use',
      detail: expect.stringContaining('template "Deploy"'),
    });
    for (const path of [`templates/${templateId}`, `inventories/${inventoryId}`, `keys/${key.id}`]) {
      expect((await api.request('DELETE', `${base}/${path}`)).status, path).toBe(204);
    }
  });

  it('are removed with their project, which stays while it has runners', async () => {
    const { id } = await aProject();
    const { id: templateId } = await aTemplate(id);
    const { runner } = await api.createRunner(`/api/projects/${id}/runners`, { name: 'One' });
    expect(await api.refused('DELETE', `/api/projects/${id}`)).toMatchObject({
      code: 'in_use',
      detail: expect.stringContaining('runner "One"'),
    });
    expect((await api.request('DELETE', `/api/projects/${id}/runners/${runner.id}`)).status).toBe(204);
    expect((await api.request('DELETE', `/api/projects/${id}`)).status).toBe(204);
    expect((await api.request('GET', `/api/projects/${id}/templates/${templateId}`)).status).toBe(404);
  });
});

describe('runners', () => {
  it('get credentials that are shown once, and a queue', async () => {
    const { id } = await aProject();
    const made = await api.createRunner(`/api/projects/${id}/runners`, { name: 'One', tags: ['sydney'] });
    expect(made).toMatchObject({ apiUrl: api.deps.apiUrl, runner: { status: 'offline', tags: ['sydney'] } });
    expect(made.token).toMatch(new RegExp(`^${id}\\.${made.runner.id}\\.[A-Za-z0-9_-]{43}$`));
    expect(made.webhookSecret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(made.privateKey).toContain('BEGIN PRIVATE KEY');
    expect(api.queues).toContain(`${id}-sydney`);
    const shown = JSON.stringify(await api.call('GET', `/api/projects/${id}/runners/${made.runner.id}`));
    expect(shown).not.toMatch(/tokenHash|whsec|PRIVATE/);
    const stored = JSON.stringify(await table.dump());
    expect(stored).not.toContain('PRIVATE KEY');
    expect(stored).not.toContain(made.token.split('.')[2]);
  });

  it('are changed, and rebound only while asleep', async () => {
    const { id } = await aProject();
    const base = `/api/projects/${id}/runners`;
    const input = { name: 'One', instanceId: 'i-0123456789abcdef0' };
    const { runner } = await api.createRunner(base, input);
    const changed = await api.call('PUT', `${base}/${runner.id}`, { ...input, maxParallelTasks: 3 });
    expect(changed).toMatchObject({ maxParallelTasks: 3, status: 'stopped' });
    expect(await api.refused('POST', base, { body: { ...input, name: 'Two' } })).toMatchObject({
      status: 409,
      code: 'instance_taken',
    });
    await api.deps.runners.move(runner, ['stopped'], 'online', api.deps.now());
    const rebound = { body: { ...input, instanceId: 'i-0123456789abcdef1' } };
    expect(await api.refused('PUT', `${base}/${runner.id}`, rebound)).toMatchObject({ code: 'not_asleep' });
    expect(await api.refused('DELETE', `${base}/${runner.id}`)).toMatchObject({ code: 'in_use' });
  });

  it('register themselves with a token that works once', async () => {
    const { id } = await aProject();
    const registration = z
      .object({ token: z.string() })
      .parse(await api.call('POST', `/api/projects/${id}/registration-tokens`, { tags: ['sydney'] }));
    const { publicKey } = api.deps.makeKeyPair();
    const body = { name: 'Self-made', publicKey, maxParallelTasks: 2 };
    const made = createdRunner.parse(await api.call('POST', '/api/agent/register', body, registration.token));
    expect(made.privateKey).toBeUndefined();
    expect(made.runner).toMatchObject({ projectId: id, tags: ['sydney'], maxParallelTasks: 2, publicKey });
    expect(
      await api.refused('POST', '/api/agent/register', { body, token: registration.token }),
    ).toMatchObject({
      status: 401,
      code: 'registration_token_used',
    });
    await api.call('POST', '/api/agent/unregister', undefined, made.token);
    expect(await api.refused('POST', '/api/agent/challenge', { token: made.token })).toMatchObject({
      status: 401,
    });
  });

  it('may name an instance, which a person confirms by a save', async () => {
    const { id } = await aProject();
    const { token } = z
      .object({ token: z.string() })
      .parse(await api.call('POST', `/api/projects/${id}/registration-tokens`, {}));
    const { publicKey } = api.deps.makeKeyPair();
    const input = { name: 'Self-made', instanceId: 'i-0cccccccccccccccc' };
    const { runner } = createdRunner.parse(
      await api.call('POST', '/api/agent/register', { ...input, publicKey }, token),
    );
    const namedBy = async () => (await api.deps.runners.get(id, runner.id))?.instanceNamedBy;
    expect(await namedBy()).toBe('machine');
    await api.call('PUT', `/api/projects/${id}/runners/${runner.id}`, input);
    expect(await namedBy()).toBeUndefined();
  });

  it('unregister while they are up, and keep the cost of their instance', async () => {
    const { id } = await aProject();
    const base = `/api/projects/${id}`;
    const instance = { name: 'One', instanceId: 'i-0bbbbbbbbbbbbbbb0' };
    const made = await api.createRunner(`${base}/runners`, instance);
    const startedAt = api.deps.now();
    const session = { id: api.deps.newId('ses', startedAt), startedAt };
    await api.deps.runners.openSession(made.runner, session, 't3.medium');
    await api.startAgent(made);
    api.pass(90_000);
    await api.call('POST', '/api/agent/unregister', undefined, made.token);
    expect((await api.request('GET', `${base}/runners/${made.runner.id}`)).status).toBe(404);
    expect(await api.call('GET', `${base}/costs`)).toMatchObject({
      spentMicroUsd: 1040,
      runners: [{ name: 'removed runner', billedSeconds: 90 }],
    });
  });

  it('keep their registration token when the instance is taken', async () => {
    const { id } = await aProject();
    const instanceId = 'i-0feedfeedfeedfee0';
    await api.createRunner('/api/runners', { name: 'Global', instanceId });
    const { token } = z
      .object({ token: z.string() })
      .parse(await api.call('POST', `/api/projects/${id}/registration-tokens`, {}));
    const { publicKey } = api.deps.makeKeyPair();
    const body = { name: 'Self-made', publicKey, instanceId };
    expect(await api.refused('POST', '/api/agent/register', { body, token })).toMatchObject({
      code: 'instance_taken',
    });
    await api.call('POST', '/api/agent/register', { name: 'Self-made', publicKey }, token);
  });
});

describe('a task', () => {
  it('shows why it waits', async () => {
    const { id } = await aProject();
    const { id: templateId } = await aTemplate(id, { tag: 'sydney' });
    const started = await api.startTask(id, templateId);
    expect(started).toMatchObject({ status: 'waiting', attempt: 1, createdBy: 'admin', tag: 'sydney' });
    expect(started.reason).toContain('No runner has tag sydney in this project');
    expect(await api.call('GET', `/api/projects/${id}/tasks/${started.id}`)).toEqual(started);
    const stopped = await api.call('POST', `/api/projects/${id}/tasks/${started.id}/stop`);
    expect(stopped).toMatchObject({ status: 'stopped', reason: 'Stopped by admin.' });
  });

  it('is claimed, logged, finished and billed', async () => {
    const { id } = await aProject();
    const base = `/api/projects/${id}`;
    const environmentId = await api.make(`${base}/environments`, {
      name: 'Live',
      variables: { A: '1' },
      secrets: { B: '22222' },
    });
    const { id: templateId } = await aTemplate(id, { environmentId });
    const made = await api.createRunner(`${base}/runners`, { name: 'One' });
    const started = await api.startTask(id, templateId);
    const session = await api.startAgent(made);
    const claim = await api.claim(session, id, started.id);
    const payload = taskPayload.parse(JSON.parse(await api.open(claim.payload, made.privateKey ?? '')));
    expect(payload).toMatchObject({ app: 'bash', variables: { A: '1' }, secrets: { B: '22222' } });

    const entry = (text: string) => ({ at: api.deps.now(), stream: 'stdout', text });
    const log = (seq: number, text: string) =>
      api.call(
        'POST',
        '/api/agent/log',
        { lease: claim.lease, chunks: [{ seq, entries: [entry(text)] }] },
        session,
      );
    expect(await log(0, 'hello\n')).toEqual({ stop: false });
    expect(await api.call('GET', `${base}/tasks/${started.id}`)).toMatchObject({ status: 'running' });
    await log(1, 'world\n');
    await log(1, 'again\n');
    const read = async (query: string) =>
      logPage.parse(await api.call('GET', `${base}/tasks/${started.id}/log${query}`));
    expect(await read('')).toMatchObject({ nextOffset: 2, complete: false });

    api.pass(1500);
    const finish = { lease: claim.lease, status: 'success', exitCode: 0, logChunks: 2 };
    await api.call('POST', '/api/agent/finish', finish, session);
    // An agent that was killed after its report sends both once more, and adds nothing.
    await log(1, 'world\n');
    await api.call('POST', '/api/agent/finish', finish, session);
    const beyond = { lease: claim.lease, chunks: [{ seq: 2, entries: [entry('more')] }] };
    const late = { body: beyond, token: session };
    expect(await api.refused('POST', '/api/agent/log', late)).toMatchObject({ code: 'lease_lost' });
    expect(await api.call('GET', `${base}/tasks/${started.id}`)).toMatchObject({
      status: 'success',
      exitCode: 0,
      runnerId: made.runner.id,
    });
    const { entries, complete } = await read('?offset=1');
    expect(entries.map(({ text }) => text)).toEqual(['world\n']);
    expect(complete).toBe(true);
    expect(await api.call('GET', `${base}/costs`)).toMatchObject({ spentMicroUsd: 0, unpriced: [] });
    expect(await api.call('POST', '/api/agent/drain', undefined, session)).toEqual({ sleep: false });
  });

  it('has a complete log a minute after its end, whatever length its agent reported', async () => {
    const { id } = await aProject();
    const { id: templateId } = await aTemplate(id);
    const made = await api.createRunner(`/api/projects/${id}/runners`, { name: 'Wrong' });
    const session = await api.startAgent(made);
    const started = await api.startTask(id, templateId);
    const { lease } = await api.claim(session, id, started.id);
    const chunk = (seq: number) => ({
      seq,
      entries: [{ at: api.deps.now(), stream: 'stdout', text: `${seq}` }],
    });
    await api.call('POST', '/api/agent/log', { lease, chunks: [chunk(0), chunk(2)] }, session);
    const finish = { lease, status: 'success', logChunks: Number.MAX_SAFE_INTEGER };
    await api.call('POST', '/api/agent/finish', finish, session);
    const read = async (offset: number) =>
      logPage.parse(await api.call('GET', `/api/projects/${id}/tasks/${started.id}/log?offset=${offset}`));
    expect(await read(0)).toMatchObject({ nextOffset: 1, complete: false });
    expect(await read(1)).toMatchObject({ entries: [], complete: false });
    api.pass(60_000);
    expect(await read(0)).toMatchObject({ nextOffset: 1, complete: false });
    expect(await read(1)).toMatchObject({ entries: [], complete: true });
  });

  it('shows the share of its session that it costs', async () => {
    const { id } = await aProject();
    const base = `/api/projects/${id}`;
    const { id: templateId } = await aTemplate(id);
    const made = await api.createRunner(`${base}/runners`, {
      name: 'One',
      instanceId: 'i-0aaaaaaaaaaaaaaa0',
    });
    const sessionStart = api.deps.now();
    await api.deps.runners.openSession(
      made.runner,
      { id: api.deps.newId('ses', sessionStart), startedAt: sessionStart },
      't3.medium',
    );
    const started = await api.startTask(id, templateId);
    const session = await api.startAgent(made);
    const { lease } = await api.claim(session, id, started.id);
    api.pass(30_000);
    await api.call('POST', '/api/agent/finish', { lease, status: 'success', logChunks: 0 }, session);
    // 60 s, the minimum that EC2 bills, at 41,600 microUsd an hour.
    const shown = task.parse(await api.call('GET', `${base}/tasks/${started.id}`));
    expect(shown.costMicroUsd).toBe(693);
    expect(await api.call('GET', `${base}/costs`)).toMatchObject({
      spentMicroUsd: 693,
      runners: [{ runnerId: made.runner.id, sessions: 1, billedSeconds: 60 }],
      tasks: [{ taskId: started.id, microUsd: 693 }],
    });
  });

  it('is found by filters and cursors, newest first', async () => {
    const { id } = await aProject();
    const { id: templateId } = await aTemplate(id);
    const { id: otherId } = await aTemplate(id, { name: 'Other', tag: 'sydney' });
    const started = [];
    for (let index = 0; index < 5; index++) {
      started.push(await api.startTask(id, index === 2 ? otherId : templateId));
      api.pass(1);
    }
    const list = async (query: string) =>
      items(task).parse(await api.call('GET', `/api/projects/${id}/tasks?${query}`));
    const seen = [];
    let cursor = '';
    do {
      const page = await list(`limit=2${cursor && `&cursor=${cursor}`}`);
      seen.push(...page.items.map((one) => one.id));
      cursor = page.nextCursor ?? '';
    } while (cursor !== '');
    expect(seen).toEqual(
      started
        .map((one) => one.id)
        .sort()
        .reverse(),
    );
    expect((await list('tag=sydney')).items.map((one) => one.id)).toEqual([started[2]?.id]);
    expect((await list(`templateId=${templateId}&status=waiting`)).items).toHaveLength(4);
    expect((await list('status=running')).items).toEqual([]);
  });
});

describe('webhook deliveries', () => {
  it('are listed by project and by task, and resent', async () => {
    const { id } = await aProject();
    const { id: templateId } = await aTemplate(id);
    await api.createRunner(`/api/projects/${id}/runners`, {
      name: 'Elsewhere',
      webhookUrl: 'https://example.org/hook',
    });
    const { id: taskId } = await api.startTask(id, templateId);
    const list = async (path: string) =>
      items(delivery).parse(await api.call('GET', `/api/projects/${id}/${path}`)).items;
    const [sent] = await list('deliveries');
    expect(sent).toMatchObject({ taskId, status: 'delivered', url: 'https://example.org/hook' });
    expect(await list(`tasks/${taskId}/deliveries`)).toEqual([sent]);
    expect(await list('deliveries?status=delivered')).toEqual([sent]);
    expect(await list('deliveries?status=dead')).toEqual([]);
    const again = await api.call('POST', `/api/projects/${id}/deliveries/${sent?.id}/send`);
    expect(delivery.parse(again).attempts).toHaveLength(2);
  });
});

describe('the service', () => {
  it('reports its health without a token', async () => {
    const well = await api.request('GET', '/api/health', { token: null });
    expect([well.status, await well.json()]).toEqual([200, { status: 'ok' }]);
    const ill = await openApiFixture(table, {
      checkHealth: () => Promise.reject(new Error('no table')),
    });
    expect(await ill.refused('GET', '/api/health', { token: null })).toMatchObject({
      status: 503,
      code: 'unavailable',
    });
  });

  it('hides an internal error, and logs it with the request id', async () => {
    const broken = await openApiFixture(table, {
      projects: { ...api.deps.projects, list: () => Promise.reject(new Error('a secret of ours')) },
    });
    const response = await broken.request('GET', '/api/projects');
    expect(response.status).toBe(500);
    const requestId = response.headers.get('x-request-id') ?? 'none';
    const text = await response.text();
    expect(text).toContain(requestId);
    expect(text).not.toContain('a secret of ours');
    expect(broken.logged).toMatchObject([
      { about: { requestId, route: '/api/projects', error: expect.stringContaining('a secret') } },
    ]);
  });

  it('serves the reference, which loads nothing and runs nothing', async () => {
    const response = await api.request('GET', '/api/docs', { token: null });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await response.text()).not.toMatch(/<script|src=|@import/);
  });
});
