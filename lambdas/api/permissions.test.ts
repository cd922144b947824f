/** Each role × each operation of the document, in the real app. An operation without a rule fails here. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { Access } from '../../protocol/endpoints/endpoint.ts';
import { endpoints } from '../../protocol/endpoints/index.ts';
import { listDeliveries } from '../../protocol/endpoints/webhooks.ts';
import { problem, roleIn, roles } from '../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../test/dynamodb.ts';
import { unique } from '../../test/unique.ts';
import { newId } from '../adapters/ids.ts';
import { mayCall } from '../core/people/permissions.ts';
import { endpointNamed } from './testing/endpoint-named.ts';
import { type ApiFixture, openApiFixture } from './testing/fixture.ts';

const documentSchema = z.object({
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        operationId: z.string(),
        security: z.array(z.record(z.string(), z.unknown())),
        requestBody: z.unknown().optional(),
      }),
    ),
  ),
});

interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly hasBody: boolean;
  readonly schemes: readonly string[];
}

let table: TestTable;
let api: ApiFixture;
let operations: Operation[];
beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table);
  const { paths } = documentSchema.parse(await (await api.app.request('/api/openapi.json')).json());
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => ({
      id: one.operationId,
      method: method.toUpperCase(),
      path,
      hasBody: one.requestBody !== undefined,
      schemes: one.security.flatMap((scheme) => Object.keys(scheme)),
    })),
  );
});
afterAll(() => table?.close());

const accessOf = (id: string): Access => endpointNamed(id).access;
const forMachines: readonly Access[] = ['machine', 'registration_token', 'runner_token', 'agent_session'];
const forPeople: readonly Access[] = [...roles, 'admin', 'person'];

/** Ids that exist nowhere: a permitted operation finds nothing, and so changes nothing. */
const prefixes: Readonly<Record<string, string>> = {
  templateId: 'tpl',
  inventoryId: 'inv',
  repositoryId: 'rep',
  keyId: 'key',
  environmentId: 'env',
  integrationId: 'int',
  scheduleId: 'sch',
  runnerId: 'run',
  taskId: 'tsk',
  deliveryId: 'msg',
  userId: 'usr',
  invitationId: 'ivt',
  apiTokenId: 'tok',
  registrationTokenId: 'reg',
};
const fill = (path: string, projectId: string): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    if (name === 'projectId') return projectId;
    const prefix = prefixes[name];
    if (prefix === undefined) throw new Error(`${path}: add the prefix of ${name}`);
    return newId(prefix);
  });

describe('the access of the endpoints', () => {
  it('is in the table for each operation of the document, and for no others', () => {
    const ids = endpoints.map(({ operationId }) => operationId);
    expect(ids.sort()).toEqual(operations.map(({ id }) => id).sort());
  });

  it('matches the document: API token or session for people, own credentials for machines', () => {
    for (const { id, schemes } of operations) {
      const access = accessOf(id);
      if (access === 'anybody') expect(schemes, id).toEqual([]);
      else if (forMachines.includes(access)) expect(schemes, id).not.toContain('apiToken');
      else expect(schemes, id).toContain('apiToken');
    }
  });

  it('leaves operations outside projects to admins, except those on the own account', () => {
    for (const { id, path } of operations) {
      const access = accessOf(id);
      if (path.startsWith('/api/projects/{projectId}')) expect([...roles], id).toContain(access);
      else expect(['anybody', ...forMachines, 'person', 'admin'], id).toContain(access);
    }
  });

  it('lets a guest read only, and see no secret URL', () => {
    for (const { id, method } of operations) {
      if (method !== 'GET' && forPeople.includes(accessOf(id)) && accessOf(id) !== 'person') {
        expect(mayCall('guest', endpointNamed(id)), id).toBe(false);
      }
    }
    expect(mayCall('guest', listDeliveries)).toBe(false);
  });

  it('is closed to people where machines have their own credentials', () => {
    for (const one of endpoints.filter(({ access }) => forMachines.includes(access)))
      expect(mayCall('admin', one), one.operationId).toBe(false);
  });

  it('gives no role in a project that is named like a property of every object', () => {
    expect(roleIn({ isAdmin: false, roles: {} }, 'constructor')).toBeUndefined();
  });
});

describe('the API', () => {
  it.each([...roles, 'admin'] as const)('permits a %s exactly what the table permits', async (role) => {
    const projectId = newId('prj');
    const grant = role === 'admin' ? {} : { grant: { projectId, role } };
    const { token } = await api.deps.apiTokens.create({ name: role, ...grant });
    for (const { id, method, path, hasBody } of operations) {
      if (!forPeople.includes(accessOf(id))) continue;
      const isInProject = path.includes('{projectId}');
      const response = await api.request(method, fill(path, projectId), {
        token,
        body: hasBody ? {} : undefined,
      });
      const isPermitted = mayCall(role === 'admin' || isInProject ? role : undefined, endpointNamed(id));
      if (isPermitted) expect([401, 403], `${role} ${id}`).not.toContain(response.status);
      else expect(problem.parse(await response.json()), `${role} ${id}`).toMatchObject({ code: 'forbidden' });
    }
  });

  it('hides a project from a person without a role in it', async () => {
    const mine = newId('prj');
    const { token } = await api.deps.apiTokens.create({
      name: 'mine',
      grant: { projectId: mine, role: 'owner' },
    });
    const { id } = z
      .object({ id: z.string() })
      .parse(await api.call('POST', '/api/projects', { name: unique('Theirs') }));
    for (const { id: operationId, method, path, hasBody } of operations) {
      if (!path.includes('{projectId}') || accessOf(operationId) === 'anybody') continue;
      const refused = await api.refused(method, fill(path, id), { token, body: hasBody ? {} : undefined });
      expect(refused, operationId).toMatchObject({ status: 404, code: 'not_found' });
    }
    expect(await api.call('GET', '/api/projects', undefined, token)).toEqual({ items: [] });
  });

  it('shows the webhook URL of a runner only to those who may set it', async () => {
    const { id } = z
      .object({ id: z.string() })
      .parse(await api.call('POST', '/api/projects', { name: unique('Web') }));
    const projectId = z.custom<`prj_${string}`>().parse(id);
    const base = `/api/projects/${id}/runners`;
    const { runner } = await api.createRunner(base, {
      name: 'One',
      webhookUrl: 'https://example.org/s3cret',
    });
    const shownTo = async (role: 'guest' | 'manager') => {
      const { token } = await api.deps.apiTokens.create({ name: role, grant: { projectId, role } });
      const list = JSON.stringify(await api.call('GET', base, undefined, token));
      return list + JSON.stringify(await api.call('GET', `${base}/${runner.id}`, undefined, token));
    };
    expect(await shownTo('guest')).not.toContain('s3cret');
    expect((await shownTo('manager')).split('s3cret')).toHaveLength(3);
  });
});
