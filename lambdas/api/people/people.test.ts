/** People over the whole app: set-up, sign-in, authenticators, members, invitations, tokens, records. */
import { Secret, TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { epochMs, totpSecret, user } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { type ApiFixture, type Call, openApiFixture } from '../testing/fixture.ts';
import { cookieOf, page, password, peopleOf, withCookie, withToken } from '../testing/people.ts';

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

const login = (email: string, fields: object = {}, headers: Record<string, string> = {}) =>
  api.request('POST', '/api/login', { token: null, headers, body: { email, password, ...fields } });

describe('the first set-up', () => {
  it('makes one admin with the first token, signed in by a cookie that scripts cannot read', async () => {
    expect(await api.call('GET', '/api/setup')).toEqual({ isSetUp: false });
    const body = { email: 'Owner@Example.org', name: 'Owner', password };
    expect(await api.refused('POST', '/api/setup', { token: null, body })).toMatchObject({ status: 401 });
    const response = await api.request('POST', '/api/setup', { body });
    expect(response.status).toBe(201);
    expect(response.headers.get('set-cookie')).toMatch(
      /^reveille=\S+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    expect(user.parse(await response.json())).toMatchObject({ email: 'owner@example.org', isAdmin: true });
    expect(await api.refused('POST', '/api/setup', { body })).toMatchObject({ code: 'already_set_up' });
    expect(await api.call('GET', '/api/setup')).toEqual({ isSetUp: true });
    const me = await api.request('GET', '/api/me', withCookie(cookieOf(response)));
    expect(await me.json()).toMatchObject({ name: 'Owner', isAdmin: true, user: { hasTotp: false } });
    const stored = JSON.stringify(await table.dump());
    expect(stored).not.toContain(password);
    expect(stored).toContain('scrypt$');
  });
});

describe('signing in', () => {
  it('accepts the right password only, and does not reveal who exists', async () => {
    const { email } = await aMember((await aProject()).id, 'guest');
    const good = await login(email.toUpperCase());
    expect(good.status).toBe(200);
    const wrong = await (await login(email, { password: 'wrong' })).json();
    expect(wrong).toMatchObject({ status: 401, code: 'wrong_login' });
    expect(await (await login('nobody@example.org')).json()).toEqual(wrong);
  });

  it('ends at sign-out, also for a copy of the cookie', async () => {
    const { cookie } = await aMember((await aProject()).id, 'guest');
    expect((await api.request('GET', '/api/me', withCookie(cookie))).status).toBe(200);
    expect((await api.request('POST', '/api/logout', withCookie(cookie))).status).toBe(204);
    expect((await api.request('GET', '/api/me', withCookie(cookie))).status).toBe(401);
  });

  it('ends after twelve hours', async () => {
    const { cookie } = await aMember((await aProject()).id, 'guest');
    api.pass(43_200_000);
    expect((await api.request('GET', '/api/me', withCookie(cookie))).status).toBe(401);
    api.pass(-43_200_000);
  });

  it('locks an account after ten wrong passwords, until 15 minutes have passed', async () => {
    const { email } = await aMember((await aProject()).id, 'guest');
    api.pass(900_000 - (epochMs(api.deps.now()) % 900_000));
    for (let n = 0; n < 10; n++) expect((await login(email, { password: 'wrong' })).status).toBe(401);
    const locked = await login(email);
    expect(await locked.json()).toMatchObject({ status: 429, code: 'too_many_attempts' });
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(0);
    api.pass(900_000);
    expect((await login(email)).status).toBe(200);
  });

  it('rejects an address that guesses for many accounts, and no other', async () => {
    const guess = (source: string, n: number) =>
      login(`nobody${n}@example.org`, {}, { 'x-test-source': source });
    for (let n = 0; n < 50; n++) expect((await guess('192.0.2.66', n)).status).toBe(401);
    expect((await guess('192.0.2.66', 50)).status).toBe(429);
    expect((await guess('192.0.2.67', 50)).status).toBe(401);
  });

  it('does not count successes', async () => {
    const { email } = await aMember((await aProject()).id, 'guest');
    for (let n = 0; n < 12; n++) expect((await login(email)).status).toBe(200);
  });

  it('ends all other sign-ins at a change of the password', async () => {
    const { email, cookie } = await aMember((await aProject()).id, 'guest');
    const elsewhere = cookieOf(await login(email));
    const next = 'another long password';
    const body = { current: password, next };
    const changed = await api.request('PUT', '/api/me/password', withCookie(cookie, { body }));
    expect(changed.status).toBe(204);
    for (const [one, status] of [
      [cookie, 401],
      [elsewhere, 401],
      [cookieOf(changed), 200],
    ] as const) {
      expect((await api.request('GET', '/api/me', withCookie(one))).status).toBe(status);
    }
    expect((await login(email)).status).toBe(401);
    expect((await login(email, { password: next })).status).toBe(200);
  });
});

describe('a request by cookie', () => {
  it('must come from our own page to change something', async () => {
    const { id } = await aProject();
    const { cookie } = await aMember(id, 'manager');
    const send = (headers: Record<string, string>) =>
      api.request('POST', `/api/projects/${id}/repositories`, {
        token: null,
        headers: { cookie, ...headers },
        body: { name: 'R', url: 'https://example.org/a.git' },
      });
    const before = await table.dump();
    const refused: Record<string, string>[] = [
      {},
      { origin: page.origin },
      { 'x-reveille-csrf': '1' },
      { origin: 'https://evil.example', 'x-reveille-csrf': '1' },
      { origin: 'null', 'x-reveille-csrf': '1' },
    ];
    for (const headers of refused) {
      const response = await send(headers);
      expect(await response.json(), JSON.stringify(headers)).toMatchObject({
        status: 403,
        code: 'csrf_refused',
      });
    }
    expect(await table.dump()).toEqual(before);
    expect((await send(page)).status).toBe(201);
  });

  it('is refused with a cookie of another kind, or of a removed person', async () => {
    const { id } = await aProject();
    const { cookie, id: userId } = await aMember(id, 'owner');
    const made = await api.createRunner(`/api/projects/${id}/runners`, { name: 'One' });
    const session = await api.startAgent(made);
    expect((await api.request('GET', '/api/me', withCookie(`reveille=${session}`))).status).toBe(401);
    expect((await api.request('POST', '/api/agent/drain', { token: cookie.split('=')[1] })).status).toBe(401);
    await api.call('DELETE', `/api/users/${userId}`);
    expect((await api.request('GET', '/api/me', withCookie(cookie))).status).toBe(401);
  });

  it('cannot sign a person in from another site', async () => {
    const { email } = await aMember((await aProject()).id, 'guest');
    const response = await login(email, {}, { origin: 'https://evil.example' });
    expect(await response.json()).toMatchObject({ code: 'csrf_refused' });
  });
});

describe('an authenticator', () => {
  it('is required once confirmed, accepts each code once, and goes with the password', async () => {
    const { email, cookie } = await aMember((await aProject()).id, 'guest');
    const send = (method: string, path: string, body: object) =>
      api.request(method, path, withCookie(cookie, { body }));
    expect((await send('POST', '/api/me/totp', { password: 'wrong' })).status).toBe(401);
    const { secret, uri } = totpSecret.parse(await (await send('POST', '/api/me/totp', { password })).json());
    expect(uri).toMatch(/^otpauth:\/\/totp\/Reveille:/);
    const codeIn = (ms: number) =>
      new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: epochMs(api.deps.now()) + ms });
    expect((await login(email)).status).toBe(200);
    expect((await send('PUT', '/api/me/totp', { code: '000000' })).status).toBe(401);
    expect((await send('PUT', '/api/me/totp', { code: codeIn(0) })).status).toBe(204);

    expect(await (await login(email)).json()).toMatchObject({ code: 'totp_required' });
    expect(await (await login(email, { totp: codeIn(0) })).json()).toMatchObject({ code: 'wrong_login' });
    expect(await (await login(email, { totp: codeIn(-120_000) })).json()).toMatchObject({
      code: 'wrong_login',
    });
    api.pass(30_000);
    const code = codeIn(0);
    expect((await login(email, { totp: code })).status).toBe(200);
    expect((await login(email, { totp: code })).status).toBe(401);

    expect((await send('POST', '/api/me/totp/remove', { password })).status).toBe(204);
    expect((await login(email)).status).toBe(200);
  });

  it('is not available to an API token', async () => {
    expect(await api.refused('POST', '/api/me/totp', { body: { password } })).toMatchObject({
      code: 'forbidden',
    });
  });
});

describe('members', () => {
  it('join by an invitation that works once, and leave with the tokens that they made', async () => {
    const { id } = await aProject();
    const owner = await aMember(id, 'owner');
    const again = { token: owner.token, name: 'Thief', password };
    expect(await api.refused('POST', '/api/invitations/accept', { token: null, body: again })).toMatchObject({
      status: 401,
      code: 'invitation_refused',
    });
    const body = { name: 'ci', role: 'task_runner' };
    const made = withToken.parse(
      await (
        await api.request('POST', `/api/projects/${id}/api-tokens`, withCookie(owner.cookie, { body }))
      ).json(),
    );
    expect((await api.request('GET', `/api/projects/${id}`, { token: made.token })).status).toBe(200);
    expect(await api.call('GET', `/api/projects/${id}/members`)).toMatchObject({
      items: [{ userId: owner.id, role: 'owner', email: owner.email }],
    });
    expect((await api.request('DELETE', `/api/projects/${id}/members/${owner.id}`)).status).toBe(204);
    expect((await api.request('GET', `/api/projects/${id}`, { token: made.token })).status).toBe(401);
    expect((await api.request('GET', `/api/projects/${id}`, withCookie(owner.cookie))).status).toBe(404);
  });

  it('change their role at once', async () => {
    const { id } = await aProject();
    const { cookie, id: userId } = await aMember(id, 'manager');
    const make = () =>
      api.request(
        'POST',
        `/api/projects/${id}/repositories`,
        withCookie(cookie, { body: { name: 'R', url: 'https://example.org/a.git' } }),
      );
    expect((await make()).status).toBe(201);
    await api.call('PUT', `/api/projects/${id}/members/${userId}`, { role: 'guest' });
    expect(await (await make()).json()).toMatchObject({ status: 403, code: 'forbidden' });
  });

  it('join another project by the password that they have', async () => {
    const first = await aProject();
    const second = await aProject();
    const { email, cookie } = await aMember(first.id, 'guest');
    const { token } = withToken.parse(
      await api.call('POST', `/api/projects/${second.id}/invitations`, { email, role: 'manager' }),
    );
    const accept = (body: object) =>
      api.request('POST', '/api/invitations/accept', { token: null, body: { token, ...body } });
    expect((await accept({ password: 'a guess of somebody' })).status).toBe(401);
    expect((await accept({ password })).status).toBe(200);
    const me = await (await api.request('GET', '/api/me', withCookie(cookie))).json();
    expect(me).toMatchObject({ roles: { [first.id]: 'guest', [second.id]: 'manager' } });
  });

  it('join another project while signed in, with the invitation’s address and from our page', async () => {
    const [first, second] = [await aProject(), await aProject()];
    const [invited, other] = [await aMember(first.id, 'guest'), await aMember(first.id, 'guest')];
    const path = `/api/projects/${second.id}/invitations`;
    const { token } = withToken.parse(
      await api.call('POST', path, { email: invited.email, role: 'manager' }),
    );
    const accept = (call: Call) =>
      api.request('POST', '/api/invitations/accept', { ...call, body: { token } });
    const { cookie } = invited;
    for (const [call, code] of [
      [{ token: null }, 'wrong_login'],
      [withCookie(other.cookie), 'wrong_login'],
      [{ token: null, headers: { cookie } }, 'wrong_login'],
      [{ token: null, headers: { cookie, origin: page.origin } }, 'csrf_refused'],
    ] as const) {
      expect(await (await accept(call)).json(), JSON.stringify(call)).toMatchObject({ code });
    }
    expect((await accept(withCookie(invited.cookie))).status).toBe(200);
    const me = await (await api.request('GET', '/api/me', withCookie(invited.cookie))).json();
    expect(me).toMatchObject({ roles: { [first.id]: 'guest', [second.id]: 'manager' } });
    const unknown = withToken.parse(
      await api.call('POST', path, { email: 'nobody-yet@example.org', role: 'guest' }),
    );
    const call = withCookie(other.cookie, { body: { token: unknown.token } });
    expect(await api.refused('POST', '/api/invitations/accept', call)).toMatchObject({ code: 'wrong_login' });
  });

  it('keep the higher role when they accept an invitation to a lower one', async () => {
    const { id } = await aProject();
    const { email, cookie } = await aMember(id, 'owner');
    const { token } = withToken.parse(
      await api.call('POST', `/api/projects/${id}/invitations`, { email, role: 'guest' }),
    );
    const call = withCookie(cookie, { body: { token } });
    expect((await api.request('POST', '/api/invitations/accept', call)).status).toBe(200);
    const me = await (await api.request('GET', '/api/me', withCookie(cookie))).json();
    expect(me).toMatchObject({ roles: { [id]: 'owner' } });
  });

  it('are not added by an invitation that is revoked, expired, or of a removed project', async () => {
    const { id } = await aProject();
    const invite = async () =>
      withToken.parse(
        await api.call('POST', `/api/projects/${id}/invitations`, {
          email: 'new@example.org',
          role: 'guest',
        }),
      );
    const accept = (token: string) =>
      api.refused('POST', '/api/invitations/accept', { token: null, body: { token, name: 'New', password } });
    const revoked = await invite();
    expect(await api.call('GET', `/api/projects/${id}/invitations`)).toMatchObject({
      items: [{ id: revoked.id }],
    });
    expect((await api.request('DELETE', `/api/projects/${id}/invitations/${revoked.id}`)).status).toBe(204);
    const late = await invite();
    expect(await accept(revoked.token)).toMatchObject({ code: 'invitation_refused' });
    api.pass(604_800_000);
    expect(await accept(late.token)).toMatchObject({ code: 'invitation_refused' });
    api.pass(-604_800_000);
    const orphan = await invite();
    expect((await api.request('DELETE', `/api/projects/${id}`)).status).toBe(204);
    expect(await accept(orphan.token)).toMatchObject({ code: 'invitation_refused' });
  });

  it('cannot remove or demote themselves, so that one admin remains', async () => {
    const { id } = await aProject();
    const { cookie, id: userId } = await aMember(id, 'guest');
    await api.call('PUT', `/api/users/${userId}`, { isAdmin: true });
    expect((await api.request('DELETE', `/api/users/${userId}`, withCookie(cookie))).status).toBe(409);
    const body = { isAdmin: false };
    expect((await api.request('PUT', `/api/users/${userId}`, withCookie(cookie, { body }))).status).toBe(409);
    await api.call('PUT', `/api/users/${userId}`, body);
    expect((await api.request('GET', '/api/users', withCookie(cookie))).status).toBe(403);
  });
});

describe('API tokens', () => {
  it("are listed and revoked by admins when they are the stack's", async () => {
    const made = withToken.parse(await api.call('POST', '/api/api-tokens', { name: 'backup' }));
    expect(JSON.stringify(await api.call('GET', '/api/api-tokens'))).toContain(made.id);
    expect((await api.request('GET', '/api/users', { token: made.token })).status).toBe(200);
    expect((await api.request('DELETE', `/api/api-tokens/${made.id}`)).status).toBe(204);
    expect((await api.request('GET', '/api/users', { token: made.token })).status).toBe(401);
  });

  it('are revoked with their project', async () => {
    const { id } = await aProject();
    const made = withToken.parse(
      await api.call('POST', `/api/projects/${id}/api-tokens`, { name: 'ci', role: 'owner' }),
    );
    expect((await api.request('DELETE', `/api/projects/${id}`, { token: made.token })).status).toBe(204);
    expect((await api.request('GET', '/api/me', { token: made.token })).status).toBe(401);
  });
});
