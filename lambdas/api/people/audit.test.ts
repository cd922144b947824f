/** Records about people: their changes, their sign-ins, and their refusals. */
import { Secret, TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type AuditEvent, auditEvent, epochMs, totpSecret } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { newId } from '../../adapters/ids.ts';
import { type ApiFixture, openApiFixture } from '../testing/fixture.ts';
import { password, peopleOf, withCookie } from '../testing/people.ts';

let table: TestTable;
let api: ApiFixture;
let aProject: ReturnType<typeof peopleOf>['aProject'];
let aMember: ReturnType<typeof peopleOf>['aMember'];
beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table);
  ({ aProject, aMember } = peopleOf(api));
});
afterAll(() => table?.close());

const events = z.object({ items: z.array(auditEvent), nextCursor: z.string().optional() });
const trailOf = async (path: string): Promise<AuditEvent[]> =>
  events.parse(await api.call('GET', path)).items;
const login = (email: string, fields: object = {}, headers: Record<string, string> = {}) =>
  api.request('POST', '/api/login', { token: null, headers, body: { email, password, ...fields } });

describe('the audit trail', () => {
  it('has each change with its author, newest first, without refusals and reads', async () => {
    const { id } = await aProject();
    const { cookie, email } = await aMember(id, 'manager');
    const base = `/api/projects/${id}`;
    const body = { name: 'Vault', secret: { type: 'string', value: 'hunter2-hunter2' } };
    const made = await api.request('POST', `${base}/keys`, withCookie(cookie, { body }));
    await api.request('GET', `${base}/keys`, withCookie(cookie));
    await api.request('DELETE', base, withCookie(cookie));
    const first = events.parse(await api.call('GET', `${base}/audit?limit=2`));
    expect(first.items.map(({ operation }) => operation)).toEqual(['createKey', 'acceptInvitation']);
    expect(first.items[0]).toMatchObject({
      actor: { name: expect.stringContaining('Person') },
      target: made.headers.get('location'),
      source: '192.0.2.1',
    });
    const second = events.parse(await api.call('GET', `${base}/audit?limit=2&cursor=${first.nextCursor}`));
    expect(second.items.map(({ operation }) => operation)).toEqual(['createInvitation']);
    expect(JSON.stringify([first, second])).not.toMatch(/hunter2|battery/);
    expect(
      await api.refused('GET', `${base}/audit?cursor=${Buffer.from('tpl_1').toString('base64url')}`),
    ).toMatchObject({
      code: 'invalid_request',
    });

    await login(email);
    await login(email, { password: 'wrong' });
    await api.call('DELETE', base);
    const stack = events.parse(await api.call('GET', '/api/audit?limit=3'));
    expect(stack.items.map(({ operation }) => operation)).toEqual(['removeProject', 'loginRefused', 'login']);
  });

  it('is kept for the configured time, which is on the item as its expiry', async () => {
    await aProject();
    const [event] = (await table.dump()).filter(({ pk }) => pk === 'audit#stack');
    const days = (Number(event?.expiresAt) - epochMs(String(event?.at)) / 1000) / 86_400;
    expect(Math.round(days)).toBe(365);
  });

  it('stays readable for admins, and only for them, after its project is removed', async () => {
    const { id } = await aProject();
    const owner = await aMember(id, 'owner');
    const path = `/api/projects/${id}/audit`;
    expect((await api.request('DELETE', `/api/projects/${id}`, withCookie(owner.cookie))).status).toBe(204);
    expect((await trailOf(path)).map(({ operation }) => operation)).toEqual([
      'acceptInvitation',
      'createInvitation',
    ]);
    expect((await api.request('GET', path, withCookie(owner.cookie))).status).toBe(404);
    expect(await api.refused('GET', `/api/projects/${newId('prj')}/audit`)).toMatchObject({
      code: 'not_found',
    });
  });
});

describe('a refusal', () => {
  it('is recorded for a wrong password, for any address, without the sent values', async () => {
    const { email, id } = await aMember((await aProject()).id, 'guest');
    await login(email, { password: 'not-my-password' });
    await login('stranger@example.org', { password: 'not-my-password' });
    const [unknown, known] = await trailOf('/api/audit');
    expect(known).toMatchObject({ operation: 'loginRefused', actor: { id }, source: '192.0.2.1' });
    expect(unknown).toMatchObject({
      operation: 'loginRefused',
      actor: { id: 'unknown' },
      source: '192.0.2.1',
    });
    expect(JSON.stringify([known, unknown])).not.toMatch(/not-my-password|stranger/);
  });

  it('is recorded for a right password without the code, and counts for its source address', async () => {
    const { email, id, cookie } = await aMember((await aProject()).id, 'guest');
    const send = (method: string, path: string, body: object) =>
      api.request(method, path, withCookie(cookie, { body }));
    const { secret } = totpSecret.parse(await (await send('POST', '/api/me/totp', { password })).json());
    const totp = new TOTP({ secret: Secret.fromBase32(secret) });
    const code = totp.generate({ timestamp: epochMs(api.deps.now()) });
    expect((await send('PUT', '/api/me/totp', { code })).status).toBe(204);
    api.pass(900_000 - (epochMs(api.deps.now()) % 900_000));
    const from = { 'x-test-source': '192.0.2.77' };
    for (let n = 0; n < 50; n++) expect((await login(email, {}, from)).status).toBe(401);
    expect((await login(email, {}, from)).status).toBe(429);
    expect((await login(email, {}, { 'x-test-source': '192.0.2.78' })).status).toBe(401);
    const [last, lockOut, before] = await trailOf('/api/audit');
    expect(last).toMatchObject({ operation: 'loginWithoutCode', actor: { id }, source: '192.0.2.78' });
    expect(lockOut).toMatchObject({ operation: 'lockOut', source: '192.0.2.77', target: '/api/login' });
    expect(before).toMatchObject({ operation: 'loginWithoutCode', actor: { id } });
  });

  it('is recorded once a window for a lock-out, with the account', async () => {
    const { email, id } = await aMember((await aProject()).id, 'guest');
    api.pass(900_000 - (epochMs(api.deps.now()) % 900_000));
    for (let n = 0; n < 10; n++) await login(email, { password: 'wrong' });
    for (let n = 0; n < 5; n++) expect((await login(email)).status).toBe(429);
    const operations = (await trailOf('/api/audit?limit=12')).filter(({ actor }) => actor.id === id);
    expect(operations.map(({ operation }) => operation)).toEqual([
      'lockOut',
      ...Array.from({ length: 10 }, () => 'loginRefused'),
    ]);
    api.pass(900_000);
    expect((await login(email)).status).toBe(200);
  });

  it.each([
    ['PUT', '/api/me/password', { current: 'wrong', next: 'another long password' }, 'passwordRefused'],
    ['POST', '/api/me/totp', { password: 'wrong' }, 'passwordRefused'],
    ['POST', '/api/me/totp/remove', { password: 'wrong' }, 'passwordRefused'],
    ['PUT', '/api/me/totp', { code: '000000' }, 'codeRefused'],
  ] as const)('is recorded at %s %s', async (method, path, body, operation) => {
    const { cookie, id } = await aMember((await aProject()).id, 'guest');
    expect((await api.request(method, path, withCookie(cookie, { body }))).status).toBe(401);
    const [event] = await trailOf('/api/audit');
    expect(event).toMatchObject({ operation, actor: { id }, target: path });
  });

  it('is recorded for a lock-out at an integration, without its secret', async () => {
    const { id } = await aProject();
    const path = `/api/integrations/${id}/int_01M8GFT7C2JKV8KMSXTGQA863M/${'s'.repeat(43)}`;
    const headers = { 'x-test-source': '192.0.2.79' };
    const send = () => api.request('POST', path, { token: null, headers, body: {} });
    for (let n = 0; n < 60; n++) expect((await send()).status).toBe(404);
    for (let n = 0; n < 3; n++) expect((await send()).status).toBe(429);
    const events = (await trailOf('/api/audit')).filter(({ source }) => source === '192.0.2.79');
    expect(events.map(({ operation }) => operation)).toEqual(['lockOut']);
    expect(JSON.stringify(events)).not.toContain('sss');
    const templateId = await api.make(`/api/projects/${id}/templates`, {
      name: 'Deploy',
      app: 'bash',
      script: 'echo hello',
    });
    const made = await api.call('POST', `/api/projects/${id}/integrations`, { name: 'Hook', templateId });
    const { url } = z.object({ url: z.string() }).parse(made);
    const right = await api.request('POST', new URL(url).pathname, { token: null, headers, body: {} });
    expect(right.status, 'the right URL is not locked out').toBe(202);
  });
});

describe('a wrong password', () => {
  it('costs the same reads and writes whether or not the person exists', async () => {
    const { email } = await aMember((await aProject()).id, 'guest');
    const calls: string[] = [];
    const counted =
      <A extends unknown[], R>(name: string, call: (...args: A) => R) =>
      (...args: A): R => {
        calls.push(name);
        return call(...args);
      };
    const { get, put, update, query } = table.table;
    const counting = await openApiFixture({
      ...table,
      table: {
        ...table.table,
        get: counted('get', get),
        put: counted('put', put),
        update: counted('update', update),
        query: counted('query', query),
      },
    });
    const callsFor = async (address: string) => {
      calls.length = 0;
      const body = { email: address, password: 'wrong' };
      expect((await counting.request('POST', '/api/login', { token: null, body })).status).toBe(401);
      return [...calls];
    };
    const known = await callsFor(email);
    expect(known).toContain('get');
    expect(await callsFor('nobody-at-all@example.org')).toEqual(known);
  });
});
