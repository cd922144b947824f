/** Sign-in by OpenID Connect, at a real provider (oidc-provider) on the loopback interface. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { auditEvent, me, project, type Role, signInProvider } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { unique } from '../../../test/unique.ts';
import { addressGuard } from '../../adapters/address-guard.ts';
import { type ApiFixture, openApiFixture } from '../testing/fixture.ts';
import { clientId, clientSecret, startProvider } from '../testing/oidc-provider.ts';
import { withCookie, withToken } from '../testing/people.ts';

const path = '/api/sign-in-provider';
const anAccount = (email: string, verified = true) => ({ email, email_verified: verified, name: 'Ada' });
const accounts = {
  known: anAccount('Known@example.org'),
  impostor: anAccount('known@example.org'),
  unverified: anAccount('known@example.org', false),
  invited: anAccount('invited@example.org'),
  stranger: anAccount('stranger@example.org'),
  uninvited: anAccount('uninvited@example.org'),
};

let table: TestTable;
let api: ApiFixture;
let provider: Awaited<ReturnType<typeof startProvider>>;
const set = (fields: object = {}) =>
  api.call('PUT', path, { name: 'Company', issuer: provider.issuer, clientId, clientSecret, ...fields });
beforeAll(async () => {
  table = await openTestTable();
  // The address of this test's provider is not public.
  api = await openApiFixture(table, { refuseUrl: addressGuard(['127.0.0.1']).refuse });
  provider = await startProvider(`${api.deps.consoleUrl}${path}/callback`, accounts);
  await api.deps.users.create({ email: 'known@example.org', name: 'Known' });
});
afterAll(async () => {
  await provider?.stop();
  await table?.close();
});

const cookieIn = (response: Response): string =>
  response.headers
    .getSetCookie()
    .map((line) => line.split(';')[0] ?? '')
    .filter((pair) => !pair.endsWith('='))
    .join('; ');
const anybody = (target: string, cookie = '') =>
  api.request('GET', target, { token: null, headers: { cookie } });

/** Goes from our page to the provider, through its pages, and follows its redirect back. */
const goThere = async (login: string, query = '') => {
  const begun = await anybody(`${path}/start${query}`);
  expect(begun.status).toBe(302);
  const back = await provider.signIn(begun.headers.get('location') ?? '', login);
  return { back: `${back.pathname}${back.search}`, cookie: cookieIn(begun) };
};
const signIn = async (login: string, query = '') => {
  const { back, cookie } = await goThere(login, query);
  return anybody(back, cookie);
};

const whoIs = async (response: Response) =>
  me.parse(await (await anybody('/api/me', cookieIn(response))).json());
const aProject = async () => project.parse(await api.call('POST', '/api/projects', { name: unique('Web') }));
const invite = async (projectId: string, email: string, role: Role) =>
  withToken.parse(await api.call('POST', `/api/projects/${projectId}/invitations`, { email, role }));
const events = z.object({ items: z.array(auditEvent) });

describe('the sign-in provider', () => {
  it('is set by an admin, and its secret is never shown', async () => {
    expect((await api.refused('GET', path)).code).toBe('not_found');
    expect(
      await api.refused('PUT', path, {
        body: { name: 'x', issuer: 'https://10.0.0.7', clientId, clientSecret },
      }),
    ).toMatchObject({
      errors: [{ path: 'issuer' }],
    });
    const shown = signInProvider.parse(await set());
    expect(shown.redirectUri).toBe(`${api.deps.consoleUrl}${path}/callback`);
    expect(JSON.stringify(await api.call('GET', path))).not.toContain(clientSecret);
    expect(await api.call('GET', '/api/setup')).toMatchObject({ signInProvider: 'Company' });
  });

  it('keeps a client secret that is not sent, but not for another issuer or client', async () => {
    await set();
    await set({ name: 'Renamed', clientSecret: undefined });
    expect(await api.deps.signInProviders.get()).toMatchObject({ name: 'Renamed', clientSecret });
    for (const other of [{ issuer: 'https://other.example.org' }, { clientId: 'another' }]) {
      const body = { name: 'Other', issuer: provider.issuer, clientId, ...other };
      const refused = await api.refused('PUT', path, { body });
      expect(refused).toMatchObject({ code: 'invalid_request', errors: [{ path: 'clientSecret' }] });
    }
    await set();
  });
});

describe('signing in by the provider', () => {
  it('signs in a person known by e-mail address, and returns to their page', async () => {
    const response = await signIn('known', '?returnTo=/tasks');
    expect(response.status, await response.clone().text()).toBe(302);
    expect(response.headers.get('location')).toBe('/tasks');
    const mine = me.parse(await (await anybody('/api/me', cookieIn(response))).json());
    expect(mine.user?.email).toBe('known@example.org');
  });

  it('rejects another account of the provider with the same address, and an unverified address', async () => {
    for (const login of ['impostor', 'unverified']) {
      const response = await signIn(login);
      expect(response.status, login).toBe(401);
      expect(cookieIn(response), login).toBe('');
    }
  });

  it('creates an invited person, with the role of the invitation', async () => {
    const { id } = project.parse(await api.call('POST', '/api/projects', { name: unique('Web') }));
    const invitation = { email: 'invited@example.org', role: 'manager' };
    await api.call('POST', `/api/projects/${id}/invitations`, invitation);
    const response = await signIn('invited');
    const mine = me.parse(await (await anybody('/api/me', cookieIn(response))).json());
    expect(mine.roles).toEqual({ [id]: 'manager' });
    const left = z.object({ items: z.array(z.unknown()) });
    expect(left.parse(await api.call('GET', `/api/projects/${id}/invitations`)).items).toEqual([]);
  });

  it('creates an uninvited person only where everybody may come, without a role', async () => {
    expect((await signIn('stranger')).status).toBe(401);
    expect(await api.deps.users.findByEmail('stranger@example.org')).toBeUndefined();
    await set({ newPeople: 'everybody' });
    const response = await signIn('stranger');
    const mine = me.parse(await (await anybody('/api/me', cookieIn(response))).json());
    expect(mine).toMatchObject({ roles: {}, isAdmin: false });
    await set();
  });

  it('gives a known person the roles of new invitations, and records that', async () => {
    const [second, third] = [await aProject(), await aProject()];
    await invite(second.id, 'known@example.org', 'task_runner');
    await invite(third.id, 'someone-else@example.org', 'owner');
    const mine = await whoIs(await signIn('known'));
    expect(mine.roles).toEqual({ [second.id]: 'task_runner' });
    const trail = events.parse(await api.call('GET', `/api/projects/${second.id}/audit`));
    expect(trail.items[0]).toMatchObject({
      operation: 'acceptInvitation',
      actor: { id: mine.id },
      source: '192.0.2.1',
    });
    await invite(second.id, 'known@example.org', 'guest');
    expect((await whoIs(await signIn('known'))).roles).toEqual({ [second.id]: 'task_runner' });
  });

  it('gives nothing to another account of the provider with the address of an invitation', async () => {
    const { id } = await aProject();
    await invite(id, 'known@example.org', 'owner');
    expect((await signIn('impostor')).status).toBe(401);
    expect((await api.deps.invitations.list(id)).length).toBe(1);
    const known = await api.deps.users.findByEmail('known@example.org');
    expect(known?.roles[id]).toBeUndefined();
  });

  it('lets a person without a role join by an invitation, at a sign-in or while signed in', async () => {
    await set({ newPeople: 'everybody' });
    const first = await signIn('stranger');
    await set();
    const [one, two] = [await aProject(), await aProject()];
    const { token } = await invite(one.id, 'stranger@example.org', 'manager');
    const call = withCookie(cookieIn(first), { body: { token } });
    expect((await api.request('POST', '/api/invitations/accept', call)).status).toBe(200);
    expect((await whoIs(first)).roles).toEqual({ [one.id]: 'manager' });
    await invite(two.id, 'stranger@example.org', 'guest');
    const again = await whoIs(await signIn('stranger'));
    expect(again.roles).toEqual({ [one.id]: 'manager', [two.id]: 'guest' });
  });

  it('binds people to the accounts of another issuer, once', async () => {
    const other = await startProvider(`${api.deps.consoleUrl}${path}/callback`, accounts);
    await set({ issuer: other.issuer });
    const signInThere = async (login: string) => {
      const begun = await anybody(`${path}/start`);
      const back = await other.signIn(begun.headers.get('location') ?? '', login);
      return anybody(`${back.pathname}${back.search}`, cookieIn(begun));
    };
    try {
      expect((await whoIs(await signInThere('known'))).user?.email).toBe('known@example.org');
      expect((await signInThere('impostor')).status).toBe(401);
    } finally {
      await other.stop();
      await set();
    }
  });

  it('works only in the browser in which it began, with its own state, and in time', async () => {
    const { back, cookie } = await goThere('known');
    expect((await anybody(back)).status).toBe(401);
    const other = await goThere('known');
    expect((await anybody(back, other.cookie)).status).toBe(401);
    api.pass(600_001);
    expect((await anybody(back, cookie)).status).toBe(401);
    api.pass(-600_001);
    expect((await anybody(back, cookie)).status).toBe(302);
  });

  it('counts no attempt without our cookie, state and code, so that no site locks people out', async () => {
    const from = { 'x-test-source': '192.0.2.50' };
    const visit = (query: string, cookie = '') =>
      api.request('GET', `${path}/callback${query}`, { token: null, headers: { ...from, cookie } });
    const { back, cookie } = await goThere('known');
    const state = new URL(back, 'http://a').searchParams.get('state') ?? '';
    for (let n = 0; n < 60; n++) expect((await visit(`?code=x&state=${n}`)).status).toBe(401);
    for (let n = 0; n < 60; n++) expect((await visit('?code=x&state=guess', cookie)).status).toBe(401);
    const sameCookie = await visit('?code=x&state=guess', cookie);
    expect(sameCookie.headers.getSetCookie(), 'the sign-in that goes on stays').toEqual([]);
    for (let n = 0; n < 60; n++) {
      expect((await visit(`?error=access_denied&state=${state}`, cookie)).status).toBe(401);
    }
    const [, query = ''] = back.split('?');
    expect((await visit(`?${query}`, cookie)).status).toBe(302);
  });

  it('counts attempts with a code that the provider did not give', async () => {
    const headers = { 'x-test-source': '192.0.2.51' };
    const { back, cookie } = await goThere('known');
    const state = new URL(back, 'http://a').searchParams.get('state') ?? '';
    const guess = () =>
      api.request('GET', `${path}/callback?code=guess&state=${state}`, {
        token: null,
        headers: { ...headers, cookie },
      });
    for (let n = 0; n < 50; n++) expect((await guess()).status).toBe(401);
    expect((await guess()).status).toBe(429);
  });

  it('never redirects to another site afterwards', async () => {
    for (const target of ['https://evil.example', '//evil.example', '/\\evil.example']) {
      const refused = await anybody(`${path}/start?returnTo=${encodeURIComponent(target)}`);
      expect(refused.status, target).toBe(422);
    }
  });

  it('reports an unreachable or missing provider', async () => {
    await set({ issuer: 'http://127.0.0.1:9' });
    expect((await anybody(`${path}/start`)).status).toBe(503);
    expect((await api.request('DELETE', path)).status).toBe(204);
    expect((await anybody(`${path}/start`)).status).toBe(404);
  });

  it('is recorded, and so is a refusal', async () => {
    await set();
    const known = await api.deps.users.findByEmail('known@example.org');
    await signIn('known');
    await signIn('impostor');
    await signIn('uninvited');
    await signIn('unverified');
    const trail = events.parse(await api.call('GET', '/api/audit?limit=4')).items;
    expect(trail).toMatchObject([
      { operation: 'loginByProviderRefused', actor: { id: 'unknown', name: 'Somebody unknown' } },
      { operation: 'loginByProviderRefused', actor: { id: 'unknown', name: 'uninvited@example.org' } },
      { operation: 'loginByProviderRefused', actor: { id: known?.id }, source: '192.0.2.1' },
      { operation: 'loginByProvider', actor: { id: known?.id } },
    ]);
  });
});
