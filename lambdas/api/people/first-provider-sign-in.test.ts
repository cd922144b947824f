/**
 * An account that was made under a person's address before they proved it: its rights after their first
 * sign-in by the provider.
 */
import { generateKeyPairSync } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { auditEvent, epochMs, me, totpSecret } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { addressGuard } from '../../adapters/address-guard.ts';
import { type ApiFixture, openApiFixture } from '../testing/fixture.ts';
import { clientId, clientSecret, startProvider } from '../testing/oidc-provider.ts';
import { cookieOf, password, peopleOf, withCookie, withToken } from '../testing/people.ts';

const path = '/api/sign-in-provider';
/** By login; the provider vouches for the address of each test member. */
const accounts = Object.fromEntries(
  Array.from({ length: 20 }, (_, n) => [
    `person${n}`,
    { email: `person${n}@example.org`, email_verified: true, name: `Person ${n}` },
  ]),
);

let table: TestTable;
let api: ApiFixture;
let provider: Awaited<ReturnType<typeof startProvider>>;
let people: ReturnType<typeof peopleOf>;
beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table, { refuseUrl: addressGuard(['127.0.0.1']).refuse });
  people = peopleOf(api);
  provider = await startProvider(`${api.deps.consoleUrl}${path}/callback`, accounts);
  await api.call('PUT', path, { name: 'Company', issuer: provider.issuer, clientId, clientSecret });
});
afterAll(async () => {
  await provider?.stop();
  await table?.close();
});

const signInByProvider = async (email: string): Promise<string> => {
  const begun = await api.request('GET', `${path}/start`, { token: null });
  const back = await provider.signIn(begun.headers.get('location') ?? '', email.split('@')[0] ?? '');
  const response = await api.request('GET', `${back.pathname}${back.search}`, {
    token: null,
    headers: { cookie: cookieOf(begun) },
  });
  expect(response.status, await response.clone().text()).toBe(302);
  const set = response.headers.getSetCookie().find((line) => line.startsWith('reveille='));
  return set?.split(';')[0] ?? '';
};
const login = (email: string, fields: object = {}) =>
  api.request('POST', '/api/login', { token: null, body: { email, password, ...fields } });
const publicKey = generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'pem' });
const post = async (target: string, call: Parameters<ApiFixture['request']>[2]) =>
  withToken.parse(await (await api.request('POST', target, call)).json()).token;

/** A person who took an invitation for another's address, and set up the account. */
const aHijacker = async () => {
  const { id } = await people.aProject();
  const base = `/api/projects/${id}`;
  const member = await people.aMember(id, 'owner');
  const asThem = (body: object) => withCookie(member.cookie, { body });
  const apiToken = await post(`${base}/api-tokens`, asThem({ name: 'ci', role: 'owner' }));
  return {
    ...member,
    projectId: id,
    apiToken,
    tokenOfToken: await post(`${base}/api-tokens`, { token: apiToken, body: { name: 'b', role: 'owner' } }),
    invitation: await post(`${base}/invitations`, asThem({ email: 'second@example.org', role: 'owner' })),
    registration: await post(`${base}/registration-tokens`, { token: apiToken, body: {} }),
  };
};
type Hijacker = Awaited<ReturnType<typeof aHijacker>>;

/** Credentials of that person that still work. */
const stillGood = async (their: Hijacker): Promise<string[]> => {
  const register = { token: their.registration, body: { name: 'Mine', publicKey } };
  const accept = { token: null, body: { token: their.invitation, name: 'Second', password } };
  const all = {
    password: await login(their.email),
    cookie: await api.request('GET', '/api/me', withCookie(their.cookie)),
    apiToken: await api.request('GET', '/api/me', { token: their.apiToken }),
    tokenOfToken: await api.request('GET', '/api/me', { token: their.tokenOfToken }),
    registration: await api.request('POST', '/api/agent/register', register),
    invitation: await api.request('POST', '/api/invitations/accept', accept),
  };
  return Object.entries(all).flatMap(([name, response]) => (response.ok ? [name] : []));
};

describe('the first sign-in by the provider', () => {
  it('voids the password, earlier sign-ins and issued credentials, and keeps the roles', async () => {
    const their = await aHijacker();
    const cookie = await signInByProvider(their.email);
    expect(await stillGood(their)).toEqual([]);
    const mine = me.parse(await (await api.request('GET', '/api/me', withCookie(cookie))).json());
    expect(mine).toMatchObject({ id: their.id, roles: { [their.projectId]: 'owner' } });
    const { items } = z
      .object({ items: z.array(auditEvent) })
      .parse(await api.call('GET', '/api/audit?limit=20'));
    expect(items.filter(({ operation }) => operation === 'voidCredentials')).toMatchObject([
      { actor: { id: their.id }, target: `/api/users/${their.id}` },
    ]);
  });

  it('voids the authenticator', async () => {
    const their = await aHijacker();
    const send = (method: string, target: string, body: object) =>
      api.request(method, target, withCookie(their.cookie, { body }));
    const { secret } = totpSecret.parse(await (await send('POST', '/api/me/totp', { password })).json());
    const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate({
      timestamp: epochMs(api.deps.now()),
    });
    expect((await send('PUT', '/api/me/totp', { code })).status).toBe(204);
    await signInByProvider(their.email);
    expect(await api.deps.users.get(their.id)).not.toHaveProperty('totpSecret');
  });

  it('holds also after a crash behind its one write', async () => {
    const their = await aHijacker();
    const known = await api.deps.users.findByEmail(their.email);
    if (!known) throw new Error('There is no such person.');
    const bound = await api.deps.users.bindSubject(known, { issuer: 'https://a.example', subject: 'x' });
    expect(bound?.isFirstProof).toBe(true);
    expect(await stillGood(their)).toEqual([]);
  });

  it('leaves credentials that were set since to a later sign-in', async () => {
    const their = await aHijacker();
    const cookie = await signInByProvider(their.email);
    const body = { name: 'mine', role: 'owner' };
    const token = await post(`/api/projects/${their.projectId}/api-tokens`, withCookie(cookie, { body }));
    await signInByProvider(their.email);
    for (const call of [{ token }, withCookie(cookie)]) {
      expect((await api.request('GET', '/api/me', call)).status).toBe(200);
    }
  });

  it('gives nothing by an invitation that the account issued for its own address', async () => {
    const their = await aHijacker();
    const other = await people.aProject();
    await api.deps.users.setRole(their.id, other.id, 'owner');
    const body = { email: their.email, role: 'owner' };
    await post(`/api/projects/${other.id}/invitations`, withCookie(their.cookie, { body }));
    await api.deps.users.setRole(their.id, other.id, undefined);
    const cookie = await signInByProvider(their.email);
    const mine = me.parse(await (await api.request('GET', '/api/me', withCookie(cookie))).json());
    expect(mine.roles).toEqual({ [their.projectId]: 'owner' });
  });

  it('voids at the next sign-in the credentials that 0.1.0 left valid with a bound account', async () => {
    const their = await aHijacker();
    const key = { pk: 'users', sk: their.id };
    const login0 = their.email.split('@')[0];
    await table.table.update(key, { set: { subject: `${provider.issuer}|${login0}` } }, []);
    await signInByProvider(their.email);
    expect(await stillGood(their)).toEqual([]);
  });
});

describe('a request whose credentials became void meanwhile', () => {
  const void0 = async (their: Hijacker) => {
    const read = await api.deps.users.get(their.id);
    if (!read) throw new Error('There is no such person.');
    await api.deps.users.bindSubject(read, { issuer: 'https://a.example', subject: their.id });
    return read;
  };

  it('neither signs in nor sets a password or an authenticator', async () => {
    const read = await void0(await aHijacker());
    expect(await api.deps.users.addLogin(read)).toBeUndefined();
    expect(await api.deps.users.setPassword(read, 'hash')).toBeUndefined();
    expect(await api.deps.users.offerTotp(read, 'SECRET')).toBeUndefined();
    expect(await api.deps.users.setTotp(read, 'SECRET')).toBeUndefined();
  });

  it('issues no valid credentials', async () => {
    const their = await aHijacker();
    const maker = { id: their.id, credentialsVersion: 0 };
    await void0(their);
    const grant = { projectId: (await people.aProject()).id, role: 'owner' as const };
    const token = await api.deps.apiTokens.create({ name: 'late', grant, maker });
    expect(await api.deps.apiTokens.verify(token.token)).toBeUndefined();
    const invited = { email: 'late@example.org', role: 'owner' as const, expiresInMs: 60_000 };
    const invitation = await api.deps.invitations.create(grant.projectId, invited, maker);
    expect(await api.deps.invitations.read(invitation.token)).toBeUndefined();
    expect(await api.deps.invitations.list(grant.projectId)).toEqual([]);
    const allowed = { tags: [], uses: 1, expiresInMs: 60_000 };
    const registration = await api.deps.registrationTokens.create(grant.projectId, allowed, maker);
    expect(await api.deps.registrationTokens.take(registration.token)).toBeUndefined();
  });
});
