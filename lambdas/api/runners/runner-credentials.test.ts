/** Credentials of runners over the whole app: rotation, revocation, deactivation, records of secrets. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  type AgentSettings,
  addMs,
  auditEvent,
  type CreatedRunner,
  heartbeatResponse,
  leaseMs,
  page,
  project,
  rotatedToken,
  runner,
  template,
} from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { unique } from '../../../test/unique.ts';
import { type ApiFixture, openApiFixture } from '../testing/fixture.ts';

let table: TestTable;
let api: ApiFixture;
let base: string;
let projectId: string;
let templateId: string;
let made: CreatedRunner;
let session: string;
const vended: (readonly string[])[] = [];
beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table, {
    vendCredentials: async (_, queues) => {
      vended.push(queues);
      return {
        accessKeyId: 'A',
        secretAccessKey: 'S',
        sessionToken: 'T',
        expiresAt: addMs(api.deps.now(), 900_000),
      };
    },
  });
});
afterAll(() => table?.close());

const beat = (token: string) =>
  api.request('POST', '/api/agent/heartbeat', { token, body: { agentVersion: '1', tasks: [] } });
const claim = (token: string, taskId: string) =>
  api.request('POST', '/api/agent/claim', { token, body: { projectId, taskId } });
const rotate = async (body: object = {}) =>
  rotatedToken.parse(await api.call('POST', `${base}/runners/${made.runner.id}/rotate-token`, body)).token;
const isKnown = async (token: string) =>
  (await api.request('POST', '/api/agent/challenge', { token })).status === 200;

beforeEach(async () => {
  projectId = project.parse(await api.call('POST', '/api/projects', { name: unique('Web') })).id;
  base = `/api/projects/${projectId}`;
  const script = { name: 'Deploy', app: 'bash', script: 'true' };
  templateId = template.parse(await api.call('POST', `${base}/templates`, script)).id;
  made = await api.createRunner(`${base}/runners`, { name: 'One', maxParallelTasks: 0 });
  session = await api.startAgent(made);
});

it('shows while the agent says that its tasks run as its own user', async () => {
  const shown = async (more: object): Promise<unknown> => {
    const body = { agentVersion: '1', tasks: [], ...more };
    await api.call('POST', '/api/agent/heartbeat', body, session);
    return runner.parse(await api.call('GET', `${base}/runners/${made.runner.id}`)).tasksShareUser;
  };
  expect(await shown({ tasksShareUser: true })).toBe(true);
  expect(await shown({})).toBeUndefined();
});

describe('the token of a runner', () => {
  it('is revoked by its rotation: the session cannot act, and its leases end in a minute', async () => {
    const held = await api.startTask(projectId, templateId);
    const { lease } = await api.claim(session, projectId, held.id);
    const waiting = await api.startTask(projectId, templateId);
    const token = await rotate();

    expect((await beat(session)).status).toBe(401);
    expect((await claim(session, waiting.id)).status).toBe(409);
    expect(await api.call('POST', '/api/agent/drain', undefined, session)).toEqual({ sleep: false });
    expect(await isKnown(made.token)).toBe(false);
    expect(await isKnown(token)).toBe(true);
    api.pass(leaseMs);
    const finish = { lease, status: 'success', logChunks: 0 };
    expect(await api.refused('POST', '/api/agent/finish', { token: session, body: finish })).toMatchObject({
      code: 'lease_expired',
    });
    expect(JSON.stringify(await table.dump())).not.toContain(token.split('.')[2]);
  });

  it('works in its new form, for the machine that had the old one', async () => {
    const renewed = { ...made, token: await rotate() };
    const next = await api.startAgent(renewed);
    expect((await beat(next)).status).toBe(200);
    expect((await beat(session)).status).toBe(401);
    const { id } = await api.startTask(projectId, templateId);
    expect((await claim(next, id)).status).toBe(200);
  });

  it('is rotated without a gap when a grace period is given', async () => {
    const token = await rotate({ graceMs: 60_000 });
    expect((await beat(session)).status).toBe(200);
    expect([await isKnown(made.token), await isKnown(token)]).toEqual([true, true]);
    api.pass(60_000);
    expect([await isKnown(made.token), await isKnown(token)]).toEqual([false, true]);
    const again = await rotate();
    expect([await isKnown(token), await isKnown(again)]).toEqual([false, true]);
  });

  it('cannot be used by an answer to a challenge from before its revocation', async () => {
    const { challenge } = z
      .object({ challenge: z.string() })
      .parse(await api.call('POST', '/api/agent/challenge', undefined, made.token));
    const answer = await api.open(challenge, made.privateKey ?? '');
    const token = await rotate();
    const body = { answer, agentVersion: '1', agentId: crypto.randomUUID(), isStart: true };
    expect(await api.refused('POST', '/api/agent/credentials', { token, body })).toMatchObject({
      code: 'wrong_answer',
    });
  });

  it('works in its own project only, and for a global runner only admins rotate it', async () => {
    const global = await api.createRunner('/api/runners', { name: 'Global' });
    const path = `/runners/${global.runner.id}/rotate-token`;
    expect((await api.request('POST', `${base}${path}`, { body: {} })).status).toBe(404);
    expect((await api.request('POST', `/api${path}`, { body: {} })).status).toBe(200);
    expect(await isKnown(global.token)).toBe(false);
  });
});

describe('an inactive runner', () => {
  it('polls nothing, claims nothing, and gets AWS credentials for no task queue', async () => {
    const settings = async (): Promise<AgentSettings> =>
      heartbeatResponse.parse(await (await beat(session)).json()).settings;
    expect((await settings()).queueUrls).toHaveLength(1);
    await api.call('PUT', `${base}/runners/${made.runner.id}`, { name: 'One', active: false });
    expect((await settings()).queueUrls).toEqual([]);
    const { id } = await api.startTask(projectId, templateId);
    expect((await claim(session, id)).status).toBe(409);
    api.pass(leaseMs + 1);
    vended.length = 0;
    await api.startAgent(made);
    expect(vended.flat()).not.toContain(projectId);
  });
});

describe('a registration token', () => {
  it('registers its number of machines, with its tags, and is recorded', async () => {
    const { token } = z
      .object({ token: z.string() })
      .parse(await api.call('POST', `${base}/registration-tokens`, { tags: ['sydney'], uses: 2 }));
    const { publicKey } = api.deps.makeKeyPair();
    const register = (name: string) =>
      api.request('POST', '/api/agent/register', { token, body: { name, publicKey } });
    const first = await register('a');
    expect([first.status, (await register('b')).status, (await register('c')).status]).toEqual([
      201, 201, 401,
    ]);
    const made = z
      .object({ token: z.string(), runner: z.object({ id: z.string() }) })
      .parse(await first.json());
    expect((await api.request('POST', '/api/agent/unregister', { token: made.token })).status).toBe(204);
    const { items } = page(auditEvent).parse(await api.call('GET', `${base}/audit?limit=3`));
    expect(items.map(({ operation, actor }) => [operation, actor.name])).toEqual([
      ['unregisterRunner', 'a'],
      ['registerRunner', 'b'],
      ['registerRunner', 'a'],
    ]);
    expect(items[0]?.target).toBe(`${base}/runners/${made.runner.id}`);
  });

  it('limits the guesses from one address', async () => {
    const body = { name: 'x', publicKey: api.deps.makeKeyPair().publicKey };
    const guess = async (source: string) =>
      (
        await api.request('POST', '/api/agent/register', {
          token: 'nonsense',
          body,
          headers: { 'x-test-source': source },
        })
      ).status;
    const statuses = [];
    for (let n = 0; n < 31; n++) statuses.push(await guess('192.0.2.99'));
    expect(statuses.filter((status) => status === 401)).toHaveLength(30);
    expect(statuses.at(-1)).toBe(429);
    expect(await guess('192.0.2.98')).toBe(401);
  });
});

describe('secrets that are sent to a runner', () => {
  it('are recorded by their ids, with the task and the runner, without their values', async () => {
    const make = (path: string, body: object) => api.make(`${base}/${path}`, body);
    const secret = { type: 'string', value: 'hunter2-hunter2' };
    const keyId = await make('keys', { name: 'Vault', secret });
    const inventoryId = await make('inventories', { name: 'H', type: 'static', content: 'a', keyId });
    const environmentId = await make('environments', { name: 'E', secrets: { A: 'hunter2-hunter2' } });
    const plainId = await make('environments', { name: 'Plain', variables: { A: '1' } });
    const script = { name: 'T', app: 'bash', script: 'true' };
    const withSecrets = await make('templates', { ...script, inventoryId, environmentId });
    const without = await make('templates', { ...script, name: 'U', environmentId: plainId });
    for (const id of [withSecrets, without]) {
      const started = await api.startTask(projectId, id);
      await api.claim(session, projectId, started.id);
    }
    const { items } = z
      .object({ items: z.array(auditEvent) })
      .parse(await api.call('GET', `${base}/audit?limit=100`));
    const uses = items.filter(({ operation }) => operation === 'useSecrets');
    expect(uses).toMatchObject([
      { actor: { id: made.runner.id, name: 'One' }, secrets: [keyId, environmentId] },
    ]);
    expect(JSON.stringify(items)).not.toContain('hunter2');
  });
});
