/** Credentials whose issuer lost the right: each kind × each way of issue × each way to lose the right. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Role } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { newId } from '../../adapters/ids.ts';
import { apiTokenStore, rememberCallers } from '../../adapters/people/api-tokens.ts';
import { type ApiFixture, type Call, openApiFixture } from '../testing/fixture.ts';
import { password, peopleOf, withCookie, withToken } from '../testing/people.ts';

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

const publicKey = generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'pem' });

/** Uses a credential as its holder would; returns true when it worked. */
const uses = {
  apiToken: async (token: string) => (await api.request('GET', '/api/me', { token })).ok,
  invitation: async (token: string) => {
    const body = { token, name: 'Second address', password };
    // From its own address, so that refusals stay below the limit of one address.
    const headers = { 'x-test-source': token.slice(-8) };
    return (await api.request('POST', '/api/invitations/accept', { token: null, headers, body })).ok;
  },
  registrationToken: async (token: string) =>
    (await api.request('POST', '/api/agent/register', { token, body: { name: 'Mine', publicKey } })).ok,
};
type Kind = keyof typeof uses;

interface Minted {
  readonly kind: Kind;
  readonly label: string;
  readonly token: string;
}

let addresses = 0;
const bodies: Readonly<Record<Kind, () => object>> = {
  apiToken: () => ({ name: 'ci', role: 'owner' }),
  invitation: () => {
    addresses += 1;
    return { email: `second${addresses}@example.org`, role: 'owner' };
  },
  registrationToken: () => ({}),
};
const paths = {
  apiToken: 'api-tokens',
  invitation: 'invitations',
  registrationToken: 'registration-tokens',
} as const;

const post = async (path: string, call: Call) => {
  const response = await api.request('POST', path, call);
  expect(response.status, await response.clone().text()).toBe(201);
  return withToken.parse(await response.json()).token;
};

/** Issues all kinds in a project: each by the person, by a token of theirs, and by a token of that token. */
const mintAll = async (base: string, cookie: string): Promise<Minted[]> => {
  const first = await post(`${base}/api-tokens`, withCookie(cookie, { body: bodies.apiToken() }));
  const second = await post(`${base}/api-tokens`, { token: first, body: bodies.apiToken() });
  const ways: Readonly<Record<string, Call>> = {
    'by themselves': withCookie(cookie),
    'by their token': { token: first },
    'by a token of their token': { token: second },
  };
  const minted: Minted[] = [
    { kind: 'apiToken', label: 'their first token', token: first },
    { kind: 'apiToken', label: 'its token', token: second },
  ];
  for (const [way, call] of Object.entries(ways)) {
    for (const kind of ['apiToken', 'invitation', 'registrationToken'] as const) {
      const token = await post(`${base}/${paths[kind]}`, { ...call, body: bodies[kind]() });
      minted.push({ kind, label: `${kind} ${way}`, token });
    }
  }
  return minted;
};

const expectGood = async (minted: readonly Minted[], isGood: (kind: Kind) => boolean) => {
  for (const { kind, label, token } of minted) expect(await uses[kind](token), label).toBe(isGood(kind));
};

describe('a credential that an owner issued', () => {
  const changeRole = (role: Role) => (base: string, id: string) =>
    api.call('PUT', `${base}/members/${id}`, { role });
  const acts = {
    'is removed from the project': [(base, id) => api.call('DELETE', `${base}/members/${id}`), []],
    'is removed from the stack': [(_base, id) => api.call('DELETE', `/api/users/${id}`), []],
    'becomes a manager': [changeRole('manager'), ['registrationToken']],
    'becomes a task runner': [changeRole('task_runner'), []],
    'becomes a guest': [changeRole('guest'), []],
    'stays an owner': [changeRole('owner'), ['apiToken', 'invitation', 'registrationToken']],
  } satisfies Record<string, [(base: string, id: string) => Promise<unknown>, Kind[]]>;

  it.each(Object.entries(acts))(
    'is valid only while they may still issue it, when the owner %s',
    async (_name, [act, stillGood]) => {
      const { id } = await aProject();
      const base = `/api/projects/${id}`;
      const [owner, other] = [await aMember(id, 'owner'), await aMember(id, 'owner')];
      const theirs = await mintAll(base, owner.cookie);
      const others = await mintAll(base, other.cookie);
      await act(base, owner.id);
      await expectGood(theirs, (kind) => stillGood.some((one) => one === kind));
      await expectGood(others, () => true);
    },
  );

  it('stays valid in another project, where they still are an owner', async () => {
    const [first, second] = [await aProject(), await aProject()];
    const owner = await aMember(first.id, 'owner');
    await api.deps.users.setRole(owner.id, second.id, 'owner');
    const elsewhere = await mintAll(`/api/projects/${second.id}`, owner.cookie);
    await api.call('DELETE', `/api/projects/${first.id}/members/${owner.id}`);
    await expectGood(elsewhere, () => true);
  });

  it('is revoked by a second removal, when the first was interrupted', async () => {
    const { id } = await aProject();
    const owner = await aMember(id, 'owner');
    const theirs = await mintAll(`/api/projects/${id}`, owner.cookie);
    await api.deps.users.setRole(owner.id, id, undefined);
    const path = `/api/projects/${id}/members/${owner.id}`;
    expect((await api.request('DELETE', path)).status).toBe(404);
    await expectGood(theirs, () => false);
  });
});

describe('a credential that an admin issued', () => {
  const anAdmin = async (role: Role) => {
    const { id } = await aProject();
    const base = `/api/projects/${id}`;
    const admin = await aMember(id, role);
    await api.call('PUT', `/api/users/${admin.id}`, { isAdmin: true });
    const first = await post('/api/api-tokens', withCookie(admin.cookie, { body: { name: 'a' } }));
    const second = await post('/api/api-tokens', { token: first, body: { name: 'b' } });
    const inStack: Minted[] = [
      { kind: 'apiToken', label: 'admin token', token: first },
      { kind: 'apiToken', label: 'admin token of it', token: second },
      {
        kind: 'registrationToken',
        label: 'global registration token',
        token: await post('/api/registration-tokens', { token: second, body: {} }),
      },
    ];
    return { base, admin, inStack, inProject: await mintAll(base, admin.cookie) };
  };

  it('is revoked with the admin right, unless their role in the project permits it', async () => {
    const { admin, inStack, inProject } = await anAdmin('owner');
    await api.call('PUT', `/api/users/${admin.id}`, { isAdmin: false });
    await expectGood(inStack, () => false);
    await expectGood(inProject, () => true);
  });

  it('is revoked in all projects where they are not an owner', async () => {
    const { admin, inStack, inProject } = await anAdmin('guest');
    await api.call('PUT', `/api/users/${admin.id}`, { isAdmin: false });
    await expectGood([...inStack, ...inProject], () => false);
  });

  it('is revoked with the person', async () => {
    const { admin, inStack, inProject } = await anAdmin('owner');
    await api.call('DELETE', `/api/users/${admin.id}`);
    await expectGood([...inStack, ...inProject], () => false);
  });

  it('stays while they are an admin, whatever their role in the project', async () => {
    const { base, admin, inStack, inProject } = await anAdmin('owner');
    await api.call('PUT', `${base}/members/${admin.id}`, { role: 'guest' });
    await expectGood([...inStack, ...inProject], () => true);
  });
});

describe('an older invitation of a person who lost a role', () => {
  it.each(['PUT', 'DELETE'] as const)('does not give it back (%s)', async (method) => {
    const { id } = await aProject();
    const base = `/api/projects/${id}`;
    const { id: userId, email } = await aMember(id, 'owner');
    const older = withToken.parse(await api.call('POST', `${base}/invitations`, { email, role: 'owner' }));
    await api.call(method, `${base}/members/${userId}`, method === 'PUT' ? { role: 'guest' } : undefined);
    const body = { token: older.token, password };
    expect(await api.refused('POST', '/api/invitations/accept', { token: null, body })).toMatchObject({
      code: 'invitation_refused',
    });
  });

  it('does not bring back a person who was removed from the stack', async () => {
    const { id } = await aProject();
    const { id: userId, email } = await aMember(id, 'owner');
    const path = `/api/projects/${id}/invitations`;
    const older = withToken.parse(await api.call('POST', path, { email, role: 'owner' }));
    await api.call('DELETE', `/api/users/${userId}`);
    expect(await uses.invitation(older.token)).toBe(false);
  });
});

describe('a token that was revoked and is still remembered', () => {
  it('reads a little longer, but creates no new credentials', async () => {
    const { now } = api.deps;
    const { verify } = apiTokenStore(table.table, { now, newId, randomBytes });
    const remembering = await openApiFixture(table, { verifyToken: rememberCallers(verify, now, 30_000) });
    const { id } = await aProject();
    const owner = await aMember(id, 'owner');
    const base = `/api/projects/${id}`;
    const body = bodies.apiToken();
    const token = await post(`${base}/api-tokens`, withCookie(owner.cookie, { body }));
    expect((await remembering.request('GET', base, { token })).status).toBe(200);
    await api.call('DELETE', `${base}/members/${owner.id}`);
    expect((await remembering.request('GET', base, { token })).status).toBe(200);
    for (const kind of ['apiToken', 'invitation', 'registrationToken'] as const) {
      const call = { token, body: bodies[kind]() };
      expect((await remembering.request('POST', `${base}/${paths[kind]}`, call)).status, kind).toBe(401);
    }
  });
});
