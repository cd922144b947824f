import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestTable, type TestTable } from '../../test/dynamodb.ts';
import { documentSchema, operationsOf } from '../../test/fuzz/document.ts';
import type { Table } from '../adapters/table.ts';
import { aProjectId } from '../core/testing.ts';
import { type ApiFixture, openApiFixture } from './testing/fixture.ts';

let table: TestTable;
let api: ApiFixture;
let isBroken = false;
beforeAll(async () => {
  table = await openTestTable();
  const breaking = new Proxy(table.table, {
    get: (target, name: keyof Table) => {
      if (isBroken) throw new Error('The table is not there.');
      return target[name];
    },
  });
  api = await openApiFixture({ ...table, table: breaking });
});
afterAll(() => table?.close());

const marker = 'bXkgc2VjcmV0';

it('logs a failed request by its route, as its path may contain a secret', async () => {
  const document = documentSchema.parse(await api.call('GET', '/api/openapi.json'));
  isBroken = true;
  for (const { method, path } of operationsOf(document)) {
    const asked = path.replace('{projectId}', aProjectId).replaceAll(/\{\w+\}/g, marker);
    await api.request(method, asked, method === 'GET' ? {} : { body: {} });
  }
  const failed = api.logged.filter(({ message }) => message === 'Request failed');
  expect(failed.map(({ about }) => about.route)).toContain(
    '/api/integrations/:projectId/:integrationId/:secret',
  );
  expect(failed.length).toBeGreaterThan(50);
  expect(JSON.stringify(api.logged)).not.toContain(marker);
});
