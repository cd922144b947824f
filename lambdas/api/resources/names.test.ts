/** Names by the API: the text of a refusal, and the names that runners and machines get. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { createdRunner } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { type ApiFixture, openApiFixture } from '../testing/fixture.ts';

let table: TestTable;
let api: ApiFixture;
let base: string;
beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table);
  base = `/api/projects/${await api.make('/api/projects', { name: 'Web' })}`;
});
afterAll(() => table?.close());

describe('a name that is taken', () => {
  it('is refused by the field, with the id of its holder, at creation and at a rename', async () => {
    const make = (name: string) => api.make(`${base}/keys`, { name, secret: { type: 'none' } });
    const first = await make('Vault');
    const second = await make('vault');
    const refusal = {
      status: 409,
      code: 'name_taken',
      detail: `"Vault" is the name of another key (${first}). Choose another name, or rename that one first.`,
      errors: [{ path: 'name', message: `is the name of another key (${first})` }],
    };
    const secret = { type: 'none' };
    const body = { name: ' Vault ', secret };
    expect(await api.refused('POST', `${base}/keys`, { body })).toMatchObject(refusal);
    expect(await api.refused('PUT', `${base}/keys/${second}`, { body })).toMatchObject(refusal);
    expect(await api.refused('POST', '/api/projects', { body: { name: 'Web' } })).toMatchObject({
      code: 'name_taken',
    });
  });

  it('is the same in composed and decomposed spelling', async () => {
    const secret = { type: 'none' };
    await api.call('POST', `${base}/keys`, { name: 'Gro\u0308\u00DFe', secret });
    const body = { name: 'Gr\u00F6\u00DFe', secret };
    expect(await api.refused('POST', `${base}/keys`, { body })).toMatchObject({ code: 'name_taken' });
  });
});

describe('the name of a runner', () => {
  it.each(['own', 'global'])(
    'is unique in its pool (%s), and free after a rename or a removal',
    async (whose) => {
      const path = whose === 'own' ? `${base}/runners` : '/api/runners';
      const { runner } = await api.createRunner(path, { name: 'one' });
      expect(await api.refused('POST', path, { body: { name: 'one' } })).toMatchObject({
        code: 'name_taken',
        errors: [{ path: 'name', message: `is the name of another runner (${runner.id})` }],
      });
      await api.call('PUT', `${path}/${runner.id}`, { name: 'two' });
      const { runner: other } = await api.createRunner(path, { name: 'one' });
      const body = { name: 'one' };
      expect(await api.refused('PUT', `${path}/${runner.id}`, { body })).toMatchObject({
        code: 'name_taken',
      });
      await api.call('DELETE', `${path}/${other.id}`);
      await api.call('PUT', `${path}/${runner.id}`, body);
    },
  );

  it('is free again when its instance is already bound to another runner', async () => {
    const path = `${base}/runners`;
    const instanceId = 'i-0123456789abcdef0';
    await api.createRunner(path, { name: 'bound', instanceId });
    const refused = await api.refused('POST', path, { body: { name: 'late', instanceId } });
    expect(refused).toMatchObject({ code: 'instance_taken' });
    await api.createRunner(path, { name: 'late' });
  });

  it('gets the end of the id when a machine registers under a taken name', async () => {
    const { runner } = await api.createRunner(`${base}/runners`, { name: 'sydney-1' });
    const made = z
      .object({ token: z.string() })
      .parse(await api.call('POST', `${base}/registration-tokens`, {}));
    const body = { name: 'sydney-1', publicKey: runner.publicKey };
    const request = { token: made.token, body };
    const registered = createdRunner.parse(
      await (await api.request('POST', '/api/agent/register', request)).json(),
    );
    const { id, name } = registered.runner;
    expect(name).toBe(`sydney-1-${id.slice(-6).toLowerCase()}`);
    await api.call('DELETE', `${base}/runners/${id}`);
  });
});
