/** What has a grammar is parsed when a save changes it; what 0.1.0 stored unparsed stays until then. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ProjectId, project } from '../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../test/dynamodb.ts';
import { unique } from '../../test/unique.ts';
import { type ApiBench, openApiBench } from './testing/bench.ts';

let table: TestTable;
let api: ApiBench;
let projectId: ProjectId;
let base: string;
beforeAll(async () => {
  table = await openTestTable();
  api = await openApiBench(table);
  projectId = project.parse(await api.call('POST', '/api/projects', { name: 'Web' })).id;
  base = `/api/projects/${projectId}`;
});
afterAll(() => table?.close());

describe('a save of what 0.1.0 stored unparsed', () => {
  it('renames an SSH key that does not parse, and parses what it changes', async () => {
    const secret = { type: 'ssh', privateKey: 'no key', knownHosts: 'example.com' } as const;
    const { id } = await api.deps.resources.keys.create(projectId, { name: unique('Old'), secret });
    const path = `${base}/keys/${id}`;
    const name = unique('Renamed');
    expect(await api.call('PUT', path, { name })).toMatchObject({ name });
    expect(await api.call('PUT', path, { name, secret: { ...secret, knownHosts: undefined } })).toMatchObject(
      { name },
    );
    for (const [change, field] of [
      [{ privateKey: 'no key either' }, 'secret.privateKey'],
      [{ passphrase: 'open sesame' }, 'secret.privateKey'],
      [{ knownHosts: 'example.org' }, 'secret.knownHosts'],
    ] as const) {
      const refused = await api.refused('PUT', path, { body: { name, secret: { type: 'ssh', ...change } } });
      expect(refused).toMatchObject({ code: 'invalid_request', errors: [{ path: field }] });
    }
  });

  it('saves a repository and an inventory whose known hosts do not parse, and parses what it changes', async () => {
    const { repositories, inventories } = api.deps.resources;
    const knownHosts = 'example.com';
    const repository = { name: unique('R'), url: 'https://example.org/a.git', branch: 'main', knownHosts };
    const inventory = { name: unique('I'), type: 'static' as const, content: 'localhost', knownHosts };
    for (const [many, { id }, body] of [
      ['repositories', await repositories.create(projectId, repository), repository],
      ['inventories', await inventories.create(projectId, inventory), inventory],
    ] as const) {
      const path = `${base}/${many}/${id}`;
      const name = unique('Renamed');
      expect(await api.call('PUT', path, { ...body, name })).toMatchObject({ name, knownHosts });
      const refused = await api.refused('PUT', path, { body: { ...body, knownHosts: 'example.org' } });
      expect(refused).toMatchObject({ errors: [{ path: 'knownHosts' }] });
    }
  });
});
