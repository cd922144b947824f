/** Each operation of the document that changes something leaves one event with its object's name. */
import { randomInt } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  type AuditEvent,
  auditEvent,
  delivery,
  epochMs,
  roles,
  totpSecret,
} from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { documentSchema, type Operation, operationsOf } from '../../../test/fuzz/document.ts';
import { unique } from '../../../test/unique.ts';
import { keys, queryAll } from '../../adapters/table.ts';
import { endpointNamed } from '../testing/endpoint-named.ts';
import { type ApiFixture, type Call, openApiFixture } from '../testing/fixture.ts';
import { password, peopleOf, withCookie } from '../testing/people.ts';

/** Operations on objects without a name, with the reason. */
const nameless: Readonly<Record<string, string>> = {
  sendDelivery: 'a delivery is known by its task and its runner',
  createProjectRegistrationToken: 'a registration token is given uses and tags',
  revokeProjectRegistrationToken: 'a registration token is given uses and tags',
  createGlobalRegistrationToken: 'a registration token is given uses and tags',
  revokeGlobalRegistrationToken: 'a registration token is given uses and tags',
};

let table: TestTable;
let api: ApiFixture;
let people: ReturnType<typeof peopleOf>;
let operations: Operation[];

const forPeople: readonly string[] = [...roles, 'admin', 'person'];
const isOfPeople = (id: string) => forPeople.includes(endpointNamed(id).access);

beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table);
  people = peopleOf(api);
  const document = documentSchema.parse(await (await api.app.request('/api/openapi.json')).json());
  operations = operationsOf(document).filter(
    ({ method, operationId }) => method !== 'GET' && isOfPeople(operationId),
  );
});
afterAll(() => table?.close());

const script = (more: object = {}) => ({ name: unique('Deploy'), app: 'bash', script: 'true', ...more });
const aRunner = (base: string, more: object = {}) => {
  const instanceId = `i-${randomInt(2 ** 32)
    .toString(16)
    .padStart(8, '0')}`;
  return api.createRunner(`${base}/runners`, { name: unique('Runner'), instanceId, ...more });
};
const aTask = async (base: string) => {
  const templateId = await api.make(`${base}/templates`, script());
  return { templateId, id: await api.make(`${base}/tasks`, { templateId }) };
};

/** A task whose agent waits for a confirmation. */
const aTaskToConfirm = async (base: string): Promise<string> => {
  const session = await api.startAgent(await aRunner(base));
  const { id } = await aTask(base);
  const { lease } = await api.claim(session, base.split('/')[3] ?? '', id);
  await api.call('POST', '/api/agent/await-confirmation', { lease }, session);
  return id;
};

const aDelivery = async (base: string): Promise<string> => {
  await api.createRunner(`${base}/runners`, {
    name: unique('Hook'),
    tags: ['hook'],
    webhookUrl: 'https://example.org/hook',
  });
  const templateId = await api.make(`${base}/templates`, script({ tag: 'hook' }));
  await api.make(`${base}/tasks`, { templateId });
  const { items } = z.object({ items: z.array(delivery) }).parse(await api.call('GET', `${base}/deliveries`));
  return items[0]?.id ?? 'no delivery';
};

/** Bodies that create or replace a resource, by the end of the operation's id. */
const inputs: Readonly<Record<string, (base: string) => object | Promise<object>>> = {
  Project: () => ({ name: unique('Project') }),
  Template: () => script(),
  Inventory: () => ({ name: unique('Hosts'), type: 'static', content: 'localhost' }),
  Repository: () => ({ name: unique('Code'), url: 'https://example.org/a.git' }),
  Key: () => ({ name: unique('Key'), secret: { type: 'string', value: 'hunter2' } }),
  Environment: () => ({ name: unique('Production'), secrets: { TOKEN: 'hunter2' } }),
  Integration: async (base) => ({
    name: unique('Hook'),
    templateId: await api.make(`${base}/templates`, script()),
  }),
  Schedule: async (base) => ({
    name: unique('Nightly'),
    templateId: await api.make(`${base}/templates`, script()),
    cron: '0 3 * * *',
  }),
  ProjectRunner: () => ({ name: unique('Runner') }),
  GlobalRunner: () => ({ name: unique('Runner') }),
  Invitation: () => ({ email: `${unique('new').replace(' ', '')}@example.org`, role: 'guest' }),
  ApiToken: () => ({ name: unique('CI'), role: 'guest' }),
  AdminToken: () => ({ name: unique('CI') }),
  ProjectRegistrationToken: () => ({ uses: 5 }),
  GlobalRegistrationToken: () => ({ uses: 5 }),
  Member: () => ({ role: 'manager' }),
  User: () => ({ isAdmin: true }),
  SignInProvider: () => ({
    name: 'Company account',
    issuer: 'https://login.example.org',
    clientId: 'reveille',
    clientSecret: 'hunter2',
  }),
};
/** Bodies of the other operations. */
const bodies: Readonly<Record<string, (base: string) => object | Promise<object>>> = {
  setUp: () => ({ email: 'first@example.org', name: 'First', password }),
  startTask: async (base) => ({ templateId: await api.make(`${base}/templates`, script()) }),
  rotateProjectRunnerToken: () => ({ graceMs: 0 }),
  rotateGlobalRunnerToken: () => ({ graceMs: 0 }),
};
const bodyOf = ({ operationId }: Operation, base: string) =>
  (bodies[operationId] ?? inputs[operationId.replace(/^(create|replace)/, '')])?.(base);

const madeBy = (kind: string, path: string) => async (base: string) =>
  api.make(`${base}/${path}`, (await inputs[kind]?.(base)) ?? {});
/** Makes the object that a parameter of a path names. */
const makers: Readonly<Record<string, (base: string, operation: string) => Promise<string>>> = {
  templateId: madeBy('Template', 'templates'),
  inventoryId: madeBy('Inventory', 'inventories'),
  repositoryId: madeBy('Repository', 'repositories'),
  keyId: madeBy('Key', 'keys'),
  environmentId: madeBy('Environment', 'environments'),
  integrationId: madeBy('Integration', 'integrations'),
  scheduleId: madeBy('Schedule', 'schedules'),
  invitationId: madeBy('Invitation', 'invitations'),
  registrationTokenId: madeBy('ProjectRegistrationToken', 'registration-tokens'),
  apiTokenId: async (base) =>
    api.make(`${base}/api-tokens`, { name: unique('CI'), role: base === '/api' ? undefined : 'guest' }),
  runnerId: async (base, operation) => {
    const made = await aRunner(base);
    if (/^(drain|sleep)/.test(operation)) await api.startAgent(made);
    return made.runner.id;
  },
  taskId: async (base, operation) =>
    /^(confirm|reject)/.test(operation) ? aTaskToConfirm(base) : (await aTask(base)).id,
  deliveryId: aDelivery,
  userId: async (base) => {
    const projectId = base === '/api' ? (await people.aProject()).id : (base.split('/')[3] ?? '');
    return (await people.aMember(projectId, 'guest')).id;
  },
};

/** Calls of people about their own account. */
const asOneself = async (id: string): Promise<Call | undefined> => {
  if (endpointNamed(id).access !== 'person') return undefined;
  const { cookie } = await people.aMember((await people.aProject()).id, 'guest');
  if (id === 'confirmTotp') {
    const offer = await api.request('POST', '/api/me/totp', withCookie(cookie, { body: { password } }));
    const { secret } = totpSecret.parse(await offer.json());
    const totp = new TOTP({ secret: Secret.fromBase32(secret) });
    return withCookie(cookie, { body: { code: totp.generate({ timestamp: epochMs(api.deps.now()) }) } });
  }
  const body = id === 'changePassword' ? { current: password, next: 'another long password' } : { password };
  return withCookie(cookie, id === 'logout' ? {} : { body });
};

/** Returns the events of a project and of the stack. */
const trailOf = async (projectId: string): Promise<AuditEvent[]> => {
  const scopes = ['stack', ...(projectId === '' ? [] : [projectId])];
  const items = await Promise.all(
    scopes.map((scope) => queryAll(table.table, { pk: keys.auditEvent(scope, '').pk })),
  );
  return items.flat().map((item) => auditEvent.parse(item));
};

/** Performs the operation, and returns the resulting events. */
const perform = async (operation: Operation) => {
  const { operationId, method, path } = operation;
  const isInProject = path.startsWith('/api/projects/{projectId}');
  const projectId = isInProject ? (await people.aProject()).id : '';
  const base = isInProject ? `/api/projects/${projectId}` : '/api';
  let filled = path.replace('{projectId}', projectId);
  for (const [parameter, name = ''] of filled.matchAll(/\{(\w+)\}/g)) {
    const id = (await makers[name]?.(base, operationId)) ?? `no maker of ${name}`;
    filled = filled.replace(parameter, id);
  }
  const call = (await asOneself(operationId)) ?? {
    body: operation.requestBody && (await bodyOf(operation, base)),
  };
  const before = new Set((await trailOf(projectId)).map(({ id }) => id));
  const response = await api.request(method, filled, call);
  expect(response.status, `${operationId}: ${await response.text()}`).toBeLessThan(300);
  return (await trailOf(projectId)).filter(({ id }) => !before.has(id));
};

describe('each change by a person', () => {
  it('leaves one event with the name of its object, and no secret', async () => {
    // The first person can be made only while there are no people, and a provider removed only after it was
    // set.
    const first = ['setUp', 'replaceSignInProvider'];
    const inOrder = operations.toSorted(
      (a, b) => first.indexOf(b.operationId) - first.indexOf(a.operationId),
    );
    for (const operation of inOrder) {
      const { operationId } = operation;
      const events = await perform(operation);
      expect(
        events.map((event) => event.operation),
        operationId,
      ).toEqual([operationId]);
      const name = events[0]?.object?.name;
      if (Object.hasOwn(nameless, operationId)) expect(name, operationId).toBeUndefined();
      else expect(name, operationId).toMatch(/\w/);
    }
    expect(inOrder.length).toBeGreaterThan(60);
    const trail = (await table.dump()).filter(({ pk }) => String(pk).startsWith('audit#'));
    expect(JSON.stringify(trail)).not.toMatch(/hunter2|battery|another long/);
  });
});

describe('an event of a PUT', () => {
  const lastOf = async (projectId: string) => {
    const { items } = z
      .object({ items: z.array(auditEvent) })
      .parse(await api.call('GET', `/api/projects/${projectId}/audit?limit=1`));
    return items[0];
  };

  it('has each change with old and new value, and of a secret only that it was sent', async () => {
    const { id } = await people.aProject();
    const base = `/api/projects/${id}`;
    const environment = { name: 'Production', variables: { REGION: 'eu-west-1' } };
    const environmentId = await api.make(`${base}/environments`, {
      ...environment,
      secrets: { TOKEN: 'hunter2' },
    });
    const change = { name: 'Live', variables: { REGION: 'us-east-1' }, secrets: { TOKEN: 'hunter3' } };
    await api.call('PUT', `${base}/environments/${environmentId}`, change);
    const event = await lastOf(id);
    expect(event?.object).toEqual({ kind: 'environments', id: environmentId, name: 'Live' });
    expect(event?.changes).toEqual([
      { field: 'name', from: 'Production', to: 'Live' },
      { field: 'variables.REGION', from: 'eu-west-1', to: 'us-east-1' },
      { field: 'secrets.TOKEN', isSecret: true },
    ]);
  });

  it('has no changes when a save changed nothing', async () => {
    const { id } = await people.aProject();
    const base = `/api/projects/${id}`;
    const { runner } = await aRunner(base, { tags: ['a'] });
    const { name, tags, instanceId } = runner;
    await api.call('PUT', `${base}/runners/${runner.id}`, { name, tags, instanceId });
    expect((await lastOf(id))?.changes).toEqual([]);
  });

  it('has the new type of a key, and its value only as changed', async () => {
    const { id } = await people.aProject();
    const path = `/api/projects/${id}/keys`;
    const keyId = await api.make(path, { name: 'Vault', secret: { type: 'string', value: 'hunter2' } });
    const secret = { type: 'login_password', login: 'ada', password: 'hunter3' };
    await api.call('PUT', `${path}/${keyId}`, { name: 'Vault', secret });
    expect((await lastOf(id))?.changes).toEqual([
      { field: 'secret.type', from: 'string', to: 'login_password' },
      { field: 'secret.login', to: 'ada' },
      { field: 'secret.password', isSecret: true },
    ]);
  });

  it('is recorded also when the object is unreadable', async () => {
    const { id } = await people.aProject();
    const broken: ApiFixture = await openApiFixture(table, {
      invitations: {
        ...api.deps.invitations,
        list: async () => {
          throw new Error('unreadable');
        },
      },
    });
    const invitationId = await api.make(`/api/projects/${id}/invitations`, {
      email: 'a@example.org',
      role: 'guest',
    });
    const path = `/api/projects/${id}/invitations/${invitationId}`;
    expect((await broken.request('DELETE', path, { token: api.adminToken })).status).toBe(204);
    expect(await lastOf(id)).toMatchObject({ operation: 'revokeInvitation', target: path });
  });
});
