import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { task } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { unique } from '../../../test/unique.ts';
import { type ApiFixture, openApiFixture } from '../testing/fixture.ts';

let table: TestTable;
let api: ApiFixture;
let base: string;
let templateId: string;
beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table);
  base = `/api/projects/${await api.make('/api/projects', { name: unique('Keys') })}`;
  templateId = await api.make(`${base}/templates`, { name: 'Deploy', app: 'bash', script: 'true' });
});
afterAll(() => table?.close());

const startWith = async (key: string) => {
  const headers = { 'idempotency-key': key };
  const response = await api.request('POST', `${base}/tasks`, { body: { templateId }, headers });
  return { status: response.status, body: z.unknown().parse(await response.json()) };
};
const idOf = async (key: string) => task.parse((await startWith(key)).body).id;

describe('the Idempotency-Key of a start', () => {
  it('makes one task of repeated and concurrent calls', async () => {
    const key = randomUUID();
    const ids = await Promise.all([idOf(key), idOf(key), idOf(key)]);
    ids.push(await idOf(key));
    expect(new Set(ids).size).toBe(1);
    expect(await idOf(randomUUID())).not.toBe(ids[0]);
  });

  it('is forgotten after a day', async () => {
    const key = randomUUID();
    const first = await idOf(key);
    const [item] = (await table.dump()).filter(({ taskId }) => taskId === first);
    const dayLater = Date.parse(api.deps.now()) / 1000 + 24 * 3600;
    expect(item?.expiresAt).toBe(Math.ceil(dayLater));
  });

  it('stands for another task of another person, and in another project', async () => {
    const { taskIdFor } = api.deps.startKeys;
    const ids = [
      await taskIdFor('prj_1', 'usr_1', 'key'),
      await taskIdFor('prj_1', 'usr_2', 'key'),
      await taskIdFor('prj_2', 'usr_1', 'key'),
    ];
    expect(new Set(ids).size).toBe(3);
    expect(await taskIdFor('prj_1', 'usr_1', 'key')).toBe(ids[0]);
  });

  it.each(['', 'two words', 'x'.repeat(201)])('is refused when it is %j', async (key) => {
    expect(await startWith(key)).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', errors: [{ path: 'idempotency-key' }] },
    });
  });
});
