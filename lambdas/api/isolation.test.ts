/** Every id of one project, requested with every credential of another: all refused, nothing changed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { addMs, newInvitation, projectId as projectIdSchema, type Role } from '../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../test/dynamodb.ts';
import { endpointNamed } from './testing/endpoint-named.ts';
import { type ApiFixture, type Call, openApiFixture } from './testing/fixture.ts';
import { dumpUncounted, openTwoProjects, type TwoProjects } from './testing/two-projects.ts';

const some = z.array(z.unknown()).optional();
const schemaNode = z.object({
  $ref: z.string().optional(),
  pattern: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  anyOf: some,
  oneOf: some,
  allOf: some,
});
const documentSchema = z.object({
  components: z.object({ schemas: z.record(z.string(), z.unknown()) }),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        operationId: z.string(),
        requestBody: z
          .object({ content: z.record(z.string(), z.object({ schema: z.unknown() })) })
          .optional(),
      }),
    ),
  ),
});

let table: TestTable;
let api: ApiFixture;
let fixture: TwoProjects;
let operations: { id: string; method: string; path: string; hasBody: boolean; names: string[] }[];
let schemas: Readonly<Record<string, unknown>>;
let myIds: Record<string, string>;
let theirIds: Record<string, string>;
let credentials: Record<string, Call>;
const vended: { runnerId: string; queues: readonly string[] }[] = [];

const identified = z.looseObject({ id: z.string() });
const withToken = z.looseObject({ id: z.string(), token: z.string() });
const password = 'correct horse battery staple';

const addPerson = async (base: string, email: string, role: Role) => {
  const invited = newInvitation.parse(await api.call('POST', `${base}/invitations`, { email, role }));
  const body = { token: invited.token, name: email, password };
  const response = await api.request('POST', '/api/invitations/accept', { token: null, body });
  const cookie = response.headers.get('set-cookie')?.split(';')[0] ?? '';
  return { cookie, id: identified.parse(await response.json()).id };
};

beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table, {
    vendCredentials: async (runnerId, queues) => {
      vended.push({ runnerId, queues });
      return {
        accessKeyId: 'A',
        secretAccessKey: 'S',
        sessionToken: 'T',
        expiresAt: addMs(api.deps.now(), 900_000),
      };
    },
  });
  fixture = await openTwoProjects(api);
  const { mine, theirs } = fixture;
  const make = async (path: string, body: object) =>
    withToken.partial({ token: true }).parse(await api.call('POST', `${theirs.base}/${path}`, body));
  theirIds = {
    projectId: theirs.id,
    templateId: theirs.templateId,
    inventoryId: theirs.inventoryId,
    keyId: theirs.keyId,
    repositoryId: (await make('repositories', { name: 'R', url: 'https://example.org/a.git' })).id,
    environmentId: (await make('environments', { name: 'E', secrets: { A: 'hunter2' } })).id,
    integrationId: (await make('integrations', { name: 'I', templateId: theirs.templateId })).id,
    scheduleId: (await make('schedules', { name: 'S', templateId: theirs.templateId, cron: '0 3 * * *' })).id,
    runnerId: theirs.asleep.runner.id,
    taskId: theirs.running.id,
    deliveryId: theirs.deliveryId,
    userId: (await addPerson(theirs.base, 'their@example.org', 'owner')).id,
    invitationId: (await make('invitations', { email: 'new@example.org', role: 'guest' })).id,
    apiTokenId: (await make('api-tokens', { name: 'theirs', role: 'guest' })).id,
    registrationTokenId: (await make('registration-tokens', { uses: 5 })).id,
  };
  const makeMine = (path: string, body: object) => api.make(`${mine.base}/${path}`, body);
  myIds = {
    projectId: mine.id,
    templateId: mine.templateId,
    inventoryId: mine.inventoryId,
    repositoryId: await makeMine('repositories', { name: 'R', url: 'https://example.org/a.git' }),
    environmentId: await makeMine('environments', { name: 'E' }),
    integrationId: await makeMine('integrations', { name: 'I', templateId: mine.templateId }),
    scheduleId: await makeMine('schedules', { name: 'S', templateId: mine.templateId, cron: '0 3 * * *' }),
  };
  const { cookie } = await addPerson(mine.base, 'mine@example.org', 'owner');
  const myToken = await api.deps.apiTokens.create({
    name: 'mine',
    grant: { projectId: projectIdSchema.parse(mine.id), role: 'owner' },
  });
  credentials = {
    member: {
      token: null,
      headers: { cookie, origin: new URL(api.deps.apiUrl).origin, 'x-reveille-csrf': '1' },
    },
    token: { token: myToken.token },
    runner: { token: mine.busy.token },
    session: { token: mine.session },
    lease: { token: mine.lease },
    registration: { token: fixture.registration.fresh },
  };
  const document = documentSchema.parse(await (await api.app.request('/api/openapi.json')).json());
  const { paths } = document;
  schemas = document.components.schemas;
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, requestBody }]) => ({
      id: operationId,
      method: method.toUpperCase(),
      path,
      hasBody: requestBody !== undefined,
      names: [...new Set(idsIn(requestBody?.content['application/json']?.schema))],
    })),
  );
});
afterAll(() => table?.close());

/** Valid bodies, so that only the ids are wrong. */
const script = { name: 'T', app: 'bash', script: 'true' };
const aRunner = { name: 'R' };
const bodies: Readonly<Record<string, object>> = {
  replaceProject: { name: 'Taken' },
  createTemplate: script,
  replaceTemplate: script,
  createInventory: { name: 'I', type: 'static', content: 'a' },
  replaceInventory: { name: 'I', type: 'static', content: 'a' },
  createRepository: { name: 'R', url: 'https://example.org/b.git' },
  replaceRepository: { name: 'R', url: 'https://example.org/b.git' },
  createKey: { name: 'K', secret: { type: 'none' } },
  replaceKey: { name: 'K', secret: { type: 'none' } },
  createEnvironment: { name: 'E' },
  replaceEnvironment: { name: 'E' },
  createProjectRunner: aRunner,
  replaceProjectRunner: aRunner,
  replaceMember: { role: 'guest' },
  createInvitation: { email: 'mine@example.org', role: 'owner' },
  createApiToken: { name: 'theirs', role: 'owner' },
};

const bodyOf = (id: string): object => {
  const { templateId } = theirIds;
  if (id === 'startTask') return { templateId };
  if (id.endsWith('eSchedule')) return { name: 'S', templateId, cron: '0 3 * * *' };
  return id.endsWith('eIntegration') ? { name: 'I', templateId } : (bodies[id] ?? {});
};

/**
 * Fills a path. Throws for a parameter without an id: an operation that no call reaches shows no isolation.
 */
const fill = (path: string, ids: Record<string, string>): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const id = name === 'secret' ? 'guessed' : ids[name];
    if (id === undefined) throw new Error(`${path}: make one for ${name} in each of the two projects`);
    return id;
  });

const send = (one: (typeof operations)[number], ids: Record<string, string>, call: Call) =>
  api.request(one.method, fill(one.path, ids), { ...call, ...(one.hasBody && { body: bodyOf(one.id) }) });

/** Body fields that name another object of the project: by the end of the operation's id, then by path. */
const ansible = { name: 'T', app: 'ansible', path: 'site.yml' };
/** Values that a task may get instead of its template's. */
const valuesIn = (body: (value: object) => object) => ({
  '.inventoryId': (inventoryId: string) => body({ inventoryId }),
  '.environmentId': (environmentId: string) => body({ environmentId }),
});
const references: Readonly<Record<string, Readonly<Record<string, (id: string) => object>>>> = {
  Template: {
    '.inventoryId': (inventoryId) => ({ ...script, inventoryId }),
    '.repositoryId': (repositoryId) => ({ ...script, repositoryId }),
    '.environmentId': (environmentId) => ({ ...script, environmentId }),
    '.ansible.vaultKeys[].keyId': (keyId) => ({
      ...ansible,
      repositoryId: myIds.repositoryId,
      inventoryId: myIds.inventoryId,
      ansible: { vaultKeys: [{ vaultId: 'prod', keyId }] },
    }),
    '.ansible.becomeKeyId': (becomeKeyId) => ({
      ...ansible,
      repositoryId: myIds.repositoryId,
      inventoryId: myIds.inventoryId,
      ansible: { becomeKeyId },
    }),
  },
  Inventory: { '.keyId': (keyId) => ({ name: 'I', type: 'static', content: 'a', keyId }) },
  Repository: { '.keyId': (keyId) => ({ name: 'R', url: 'https://example.org/b.git', keyId }) },
  Integration: {
    ...valuesIn((value) => ({ name: 'I', templateId: myIds.templateId, ...value })),
    '.templateId': (templateId) => ({ name: 'I', templateId }),
    '.auth.keyId': (keyId) => ({ name: 'I', templateId: myIds.templateId, auth: { type: 'github', keyId } }),
  },
  Schedule: {
    ...valuesIn((value) => ({ name: 'S', templateId: myIds.templateId, cron: '0 3 * * *', ...value })),
    '.templateId': (templateId) => ({ name: 'S', templateId, cron: '0 3 * * *' }),
  },
  Task: {
    ...valuesIn((value) => ({ templateId: myIds.templateId, ...value })),
    '.templateId': (templateId) => ({ templateId }),
  },
};

/** Returns paths such as `.ansible.vaultKeys[].keyId` for each id of another object in a schema. */
const idsIn = (schema: unknown, path = ''): string[] => {
  const { $ref, pattern = '', properties = {}, items, anyOf, oneOf, allOf } = schemaNode.parse(schema ?? {});
  if ($ref !== undefined) return idsIn(schemas[$ref.split('/').at(-1) ?? ''], path);
  return [
    ...(/^\^[a-z]{3}_/.test(pattern) ? [path] : []),
    ...[anyOf, oneOf, allOf].flatMap((some = []) => some.flatMap((one) => idsIn(one, path))),
    ...Object.entries(properties).flatMap(([name, one]) => idsIn(one, `${path}.${name}`)),
    ...(items === undefined ? [] : idsIn(items, `${path}[]`)),
  ];
};

const inProject = () => operations.filter(({ path }) => path.includes('{projectId}'));

describe('a project', () => {
  it.each(['member', 'token', 'runner', 'session', 'lease', 'registration'])(
    'rejects a %s of another project, on every route, with every id',
    async (kind) => {
      const before = await dumpUncounted(table);
      for (const one of inProject()) {
        const response = await send(one, theirIds, credentials[kind] ?? {});
        expect([401, 404], `${kind} ${one.id}: ${await response.text()}`).toContain(response.status);
      }
      expect(await dumpUncounted(table)).toEqual(before);
    },
  );

  it.each(['member', 'token'])(
    'rejects its ids in paths of another project, for a %s there',
    async (kind) => {
      const before = await dumpUncounted(table);
      const ids = { ...theirIds, projectId: fixture.mine.id };
      const about = inProject().filter(
        ({ path }) => (path.match(/\{/g) ?? []).length > 1 || path.endsWith('/tasks'),
      );
      for (const one of about.filter(({ id }) => id !== 'listTasks')) {
        const response = await send(one, ids, credentials[kind] ?? {});
        expect([404, 422], `${kind} ${one.id}: ${await response.clone().text()}`).toContain(response.status);
        const { code } = z.object({ code: z.string() }).parse(await response.json());
        expect(['not_found', 'invalid_reference'], `${kind} ${one.id}`).toContain(code);
      }
      expect(await dumpUncounted(table)).toEqual(before);
    },
  );

  it.each(['member', 'token'])('rejects its ids in bodies by a %s of another project', async (kind) => {
    const before = await dumpUncounted(table);
    let asked = 0;
    for (const one of inProject().filter(({ names }) => names.length > 0)) {
      const bodiesOf = references[one.id.replace(/^(create|replace|start)/, '')] ?? {};
      expect(Object.keys(bodiesOf).sort(), one.id).toEqual([...one.names].sort());
      for (const [path, bodyWith] of Object.entries(bodiesOf)) {
        const field = path.split('.').at(-1) ?? '';
        const id = theirIds[field === 'becomeKeyId' ? 'keyId' : field] ?? '';
        const body = bodyWith(id);
        const response = await api.request(one.method, fill(one.path, myIds), { ...credentials[kind], body });
        const { code } = z.object({ code: z.string() }).parse(await response.json());
        expect(code, `${kind} ${one.id} ${path}`).toBe('invalid_reference');
        asked += 1;
      }
    }
    expect(asked).toBeGreaterThan(15);
    expect(await dumpUncounted(table)).toEqual(before);
  });

  it.each(['member', 'token', 'runner', 'session'])(
    'rejects a %s of another project, as the routes of the stack do',
    async (kind) => {
      const before = await dumpUncounted(table);
      for (const one of operations.filter(({ id }) => endpointNamed(id).access === 'admin')) {
        const response = await send(one, theirIds, credentials[kind] ?? {});
        expect([401, 403], `${kind} ${one.id}`).toContain(response.status);
      }
      expect(await dumpUncounted(table)).toEqual(before);
    },
  );

  it('rejects claims, logs, finishes and confirmations by agents of another project', async () => {
    const { mine, theirs } = fixture;
    const entry = { at: api.deps.now(), stream: 'stdout', text: 'x' };
    const calls: [string, object][] = [
      ['claim', { projectId: theirs.id, taskId: theirs.running.id }],
      ['claim', { projectId: theirs.id, taskId: theirs.waiting.id }],
      ['log', { lease: theirs.lease, chunks: [{ seq: 0, entries: [entry] }] }],
      ['await-confirmation', { lease: theirs.lease }],
      ['finish', { lease: theirs.lease, status: 'success', logChunks: 0 }],
    ];
    const ofTheirs = async () =>
      (await table.dump()).filter(({ pk }) => pk === theirs.id || String(pk).startsWith(theirs.running.id));
    const before = await ofTheirs();
    for (const token of [mine.session, mine.idleSession]) {
      for (const [path, body] of calls) {
        const response = await api.request('POST', `/api/agent/${path}`, { token, body });
        expect(response.status, `${path} ${await response.text()}`).toBe(409);
      }
      const held = [{ projectId: theirs.id, taskId: theirs.running.id, attempt: 1 }];
      const beat = await api.call('POST', '/api/agent/heartbeat', { agentVersion: '1', tasks: held }, token);
      expect(beat).toMatchObject({ leases: [], lost: [theirs.running.id] });
    }
    expect(await ofTheirs()).toEqual(before);
  });

  it('limits the AWS credentials of its runners to its own queues', () => {
    const ofMine = vended.filter(({ runnerId }) => runnerId === fixture.mine.busy.runner.id);
    expect(ofMine.length).toBeGreaterThan(0);
    for (const { runnerId, queues } of ofMine) {
      for (const queue of queues) {
        expect(queue.includes(fixture.theirs.id)).toBe(false);
        expect(queue.startsWith(fixture.mine.id) || queue.includes(runnerId.slice(4)), queue).toBe(true);
      }
    }
  });
});
