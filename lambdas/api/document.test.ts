import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { openTestTable, type TestTable } from '../../test/dynamodb.ts';
import { type ApiFixture, openApiFixture } from './testing/fixture.ts';

const schemaObject = z.looseObject({});
const body = z.object({ content: z.record(z.string(), z.object({ schema: schemaObject })) });
const operation = z.object({
  operationId: z.string(),
  summary: z.string().min(1),
  tags: z.array(z.string()).length(1),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  parameters: z.array(z.object({ name: z.string(), in: z.string() })).default([]),
  requestBody: body.extend({ required: z.literal(true) }).optional(),
  responses: z.record(z.string(), body.partial().extend({ description: z.string().min(1) })),
});
const documentSchema = z.object({
  openapi: z.literal('3.1.0'),
  tags: z.array(z.object({ name: z.string() })),
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({
    schemas: z.record(z.string(), z.json()),
    securitySchemes: z.record(z.string(), z.unknown()),
  }),
});

let table: TestTable;
let app: ApiFixture['app'];
let document: z.infer<typeof documentSchema>;
let text: string;
beforeAll(async () => {
  table = await openTestTable();
  ({ app } = await openApiFixture(table));
  text = await (await app.request('/api/openapi.json')).text();
  document = documentSchema.parse(JSON.parse(text));
});
afterAll(() => table?.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, one]) => ({ ...one, name: `${method} ${path}`, method, path })),
  );

describe('the OpenAPI document', () => {
  it('has every route that the app has', () => {
    const served = app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method.toLowerCase()} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
    expect([...new Set(served)].sort()).toEqual(
      operations()
        .map(({ name }) => name)
        .sort(),
    );
  });

  it('names each operation once, and uses tags and security schemes that it describes', () => {
    const ids = operations().map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = document.tags.map(({ name }) => name);
    for (const { name, tags: used, security } of operations()) {
      expect(tags, name).toEqual(expect.arrayContaining(used));
      for (const scheme of security.flatMap(Object.keys)) {
        expect(document.components.securitySchemes, name).toHaveProperty(scheme);
      }
    }
  });

  it('gives every operation a success and a problem', () => {
    for (const { name, responses } of operations()) {
      expect(
        Object.keys(responses).some((status) => /^[23]/.test(status)),
        name,
      ).toBe(true);
      expect(responses.default?.content, name).toHaveProperty(['application/problem+json']);
    }
  });

  it('lists the problems that a token, a path, a query and a body bring with them', () => {
    for (const { name, responses, security, parameters, requestBody } of operations()) {
      const statuses = Object.keys(responses);
      if (security.length > 0) expect(statuses, name).toContain('401');
      if (parameters.some((one) => one.in === 'path')) expect(statuses, name).toContain('404');
      if (parameters.some((one) => one.in === 'query')) expect(statuses, name).toContain('422');
      if (requestBody) expect(statuses, name).toEqual(expect.arrayContaining(['400', '413', '415', '422']));
    }
  });

  it('refers only to schemas that it has', () => {
    const names = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name ?? '');
    expect(names.length).toBeGreaterThan(50);
    for (const name of names) expect(document.components.schemas).toHaveProperty(name);
  });

  it('describes an inventory as one of three complete, satisfiable objects', () => {
    const { Inventory } = z
      .object({ Inventory: z.object({ oneOf: z.array(z.object({ required: z.array(z.string()) })) }) })
      .parse(document.components.schemas);
    expect(Inventory.oneOf.map(({ required }) => required)).toEqual([
      ['name', 'type', 'content', 'id', 'projectId', 'createdAt'],
      ['name', 'type', 'content', 'id', 'projectId', 'createdAt'],
      ['name', 'type', 'path', 'id', 'projectId', 'createdAt'],
    ]);
  });

  it('never describes a secret as readable', () => {
    for (const name of ['Key', 'Environment', 'Runner']) {
      const shown = JSON.stringify(document.components.schemas[name]);
      expect(shown, name).not.toMatch(/"(secret|secrets|tokenHash|webhookSecret|privateKey|password)":/);
    }
  });
});

describe('without a token', () => {
  it('rejects each route that needs one with 401 and the scheme, and reveals nothing', async () => {
    for (const { name, method, path, security, requestBody } of operations()) {
      if (security.length === 0 || security.some((scheme) => 'registrationToken' in scheme)) continue;
      const response = await app.request(path.replaceAll(/\{\w+\}/g, 'x'), {
        method: method.toUpperCase(),
        ...(requestBody && { body: '{}', headers: { 'content-type': 'application/json' } }),
      });
      expect(response.status, name).toBe(401);
      expect(response.headers.get('www-authenticate'), name).toContain('Bearer');
      expect(await response.json(), name).toMatchObject({ code: 'unauthenticated' });
    }
  });
});
