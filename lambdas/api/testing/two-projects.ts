/** Fixture of wrong requests: two busy projects, and late, forged or foreign tokens, sessions and leases. */
import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import * as z from 'zod';
import type { ProblemCode } from '../../../protocol/index.ts';
import { addMs, delivery, problem } from '../../../protocol/index.ts';
import type { TestTable } from '../../../test/dynamodb.ts';
import { agentTokens } from '../../adapters/runners/agent-tokens.ts';
import { oneSigningKey } from '../../adapters/secrets/signed-tokens.ts';
import type { ApiFixture, Call } from './fixture.ts';

const withToken = z.object({ token: z.string() });
const aSecret = { type: 'string', value: 'hunter2-hunter2' };

/** A project with one of everything: a running task, a waiting one, an ended one. */
const aBusyProject = async (api: ApiFixture, name: string, instanceId: string) => {
  const { make } = api;
  const id = await make('/api/projects', { name });
  const base = `/api/projects/${id}`;
  const keyId = await make(`${base}/keys`, { name: 'Vault', secret: aSecret });
  const hosts = { name: 'Hosts', type: 'static', content: 'localhost', keyId };
  const inventoryId = await make(`${base}/inventories`, hosts);
  const script = { name: 'Deploy', app: 'bash', script: 'echo hello', inventoryId };
  const templateId = await make(`${base}/templates`, script);
  const busy = await api.createRunner(`${base}/runners`, { name: 'Busy', instanceId });
  const session = await api.startAgent(busy);
  const running = await api.startTask(id, templateId);
  const { lease } = await api.claim(session, id, running.id);
  const ended = await api.startTask(
    id,
    await make(`${base}/templates`, { ...script, name: 'Nowhere', tag: 'nowhere' }),
  );
  await api.call('POST', `${base}/tasks/${ended.id}/stop`);
  const elsewhere = { name: 'Elsewhere', tags: ['hook'], webhookUrl: 'https://example.org/hook' };
  const asleep = await api.createRunner(`${base}/runners`, elsewhere);
  const hooked = await make(`${base}/templates`, { ...script, name: 'Hook', tag: 'hook' });
  const waiting = await api.startTask(id, hooked);
  const idle = await api.createRunner(`${base}/runners`, { name: 'Idle', tags: ['idle'] });
  const { items } = z.object({ items: z.array(delivery) }).parse(await api.call('GET', `${base}/deliveries`));
  return {
    id,
    base,
    keyId,
    inventoryId,
    templateId,
    busy,
    session,
    lease,
    running,
    ended,
    asleep,
    waiting,
    idleSession: await api.startAgent(idle),
    deliveryId: items[0]?.id ?? '',
  };
};

/** Credentials with a wrong time, signature or token, made with the right keys. */
export const openTwoProjects = async (api: ApiFixture) => {
  const mine = await aBusyProject(api, 'Mine', 'i-0123456789abcdef0');
  const theirs = await aBusyProject(api, 'Theirs', 'i-0123456789abcdef1');
  const { agentTokens: tokens, now } = api.deps;
  const me = { pool: mine.busy.runner.projectId ?? ('global' as const), runnerId: mine.busy.runner.id };
  const them = { pool: theirs.busy.runner.projectId ?? ('global' as const), runnerId: theirs.busy.runner.id };
  const past = addMs(now(), -1000);
  const soon = addMs(now(), 60_000);
  const forged = agentTokens(oneSigningKey(randomBytes(32)), now);
  const lease = { ...me, projectId: mine.running.projectId, taskId: mine.running.id, attempt: 1 };
  const registration = async (path: string) => withToken.parse(await api.call('POST', path, {})).token;
  const spent = await registration(`${mine.base}/registration-tokens`);
  await api.deps.registrationTokens.take(spent);
  const expired = await registration(`${mine.base}/registration-tokens`);
  api.pass(3_600_001);
  const fresh = await registration(`${mine.base}/registration-tokens`);
  api.pass(-3_600_001);
  return {
    mine,
    theirs,
    registration: { spent, expired, fresh },
    answers: {
      late: await forAnHour(api, () => tokens.signAnswer(me)),
      theirs: await tokens.signAnswer(them),
      forged: await forged.signAnswer(me),
    },
    sessions: {
      expired: await tokens.signSession(me, past),
      forged: await forged.signSession(me, soon),
    },
    leases: {
      expired: await tokens.signLease(lease, past),
      forged: await forged.signLease(lease, soon),
      older: await tokens.signLease({ ...lease, attempt: 7 }, soon),
    },
    publicKey: api.deps.makeKeyPair().publicKey,
  };
};
export type TwoProjects = Awaited<ReturnType<typeof openTwoProjects>>;

/** Makes a credential with its date an hour ago. */
const forAnHour = async <T>(api: ApiFixture, make: () => Promise<T>): Promise<T> => {
  api.pass(-3_600_000);
  const made = await make();
  api.pass(3_600_000);
  return made;
};

export type Row = readonly [
  name: string,
  status: number,
  code: ProblemCode,
  request: (w: TwoProjects, api: ApiFixture) => readonly [method: string, path: string, call?: Call],
];

export const post = (path: string, body: unknown, token?: string): readonly [string, string, Call] => [
  'POST',
  path,
  { body, token },
];
export const put = (path: string, body: unknown): readonly [string, string, Call] => ['PUT', path, { body }];
export const get = (path: string): readonly [string, string] => ['GET', path];
export const remove = (path: string): readonly [string, string] => ['DELETE', path];
export const ofMebibytes = (count: number): string => 'x'.repeat(count * 1_048_576);

/** Every item except the traces of refusals: attempt counts, and refusals in the stack's trail. */
export const dumpUncounted = async (table: TestTable) =>
  (await table.dump()).filter(({ pk }) => !String(pk).startsWith('attempts#') && pk !== 'audit#stack');

/** Sends the request; expects exactly this refusal, and every item of the table unchanged. */
export const expectRefusal = async (
  table: TestTable,
  api: ApiFixture,
  fixture: TwoProjects,
  [, status, code, request]: Row,
): Promise<void> => {
  const before = await dumpUncounted(table);
  const response = await api.request(...request(fixture, api));
  const text = await response.text();
  expect(response.status, text).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(problem.parse(JSON.parse(text))).toMatchObject({ status, code });
  expect(await dumpUncounted(table)).toEqual(before);
};
