/** Fields with a grammar are parsed when a save changes them; unparsed values from 0.1.0 stay until then. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ProjectId, project, template, templateInput } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { unique } from '../../../test/unique.ts';
import { type ApiFixture, openApiFixture } from '../testing/fixture.ts';

let table: TestTable;
let api: ApiFixture;
let projectId: ProjectId;
let base: string;
beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table);
  projectId = project.parse(await api.call('POST', '/api/projects', { name: 'Web' })).id;
  base = `/api/projects/${projectId}`;
});
afterAll(() => table?.close());

describe('a save of a value that 0.1.0 stored unparsed', () => {
  it('renames an SSH key that does not parse, and parses a changed one', async () => {
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

  it('saves a repository and inventory with unparsable known hosts, and parses changed ones', async () => {
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

describe('text for Ansible', () => {
  const aPlay = '- hosts: all';

  it('names the field, line and column of an inventory', async () => {
    const path = `${base}/inventories`;
    for (const [type, content, message] of [
      ['static', '[web]\na\n[db', 'line 3, column 4: must be closed by ]'],
      ['static-yaml', 'all:\n  hosts: {{ a }}', 'line 2, column 11: a map or a list is no key'],
    ] as const) {
      const refused = await api.refused('POST', path, { body: { name: unique('I'), type, content } });
      const errors = [{ path: 'content', message: expect.stringContaining(message) }];
      expect(refused).toMatchObject({ code: 'invalid_request', errors });
    }
    for (const content of ['all:\n  hosts:\n    a:', '[web]\na'])
      await api.call('POST', path, { name: unique('I'), type: 'static-yaml', content });
  });

  it('names the field, line and column of a playbook, and reads no script of another app', async () => {
    const body = { name: unique('T'), app: 'ansible', script: `${aPlay}\n tasks: []` };
    const refused = await api.refused('POST', `${base}/templates`, { body });
    const errors = [{ path: 'script', message: expect.stringMatching(/^line 2, column 2: /) }];
    expect(refused).toMatchObject({ code: 'invalid_request', errors });
    await api.call('POST', `${base}/templates`, { ...body, app: 'bash' });
    await api.call('POST', `${base}/templates`, { ...body, name: unique('T'), script: aPlay });
  });

  it('is not parsed by a save that does not change it', async () => {
    const { inventories, templates } = api.deps.resources;
    const inventory = { name: unique('I'), type: 'static' as const, content: '[web' };
    const { id } = await inventories.create(projectId, inventory);
    await api.call('PUT', `${base}/inventories/${id}`, { ...inventory, name: unique('Renamed') });
    const changed = { ...inventory, content: '[web\n' };
    expect(await api.refused('PUT', `${base}/inventories/${id}`, { body: changed })).toMatchObject({
      errors: [{ path: 'content' }],
    });
    const input = templateInput.parse({ name: unique('T'), app: 'ansible', script: 'hosts: all' });
    const stored = await templates.create(projectId, input);
    await api.call('PUT', `${base}/templates/${stored.id}`, { ...input, name: unique('Renamed') });
    const body = { ...input, script: 'hosts: web' };
    expect(await api.refused('PUT', `${base}/templates/${stored.id}`, { body })).toMatchObject({
      errors: [{ path: 'script' }],
    });
  });
});

it('names the column of an error in a JSON pointer', async () => {
  const script = { name: unique('T'), app: 'bash', script: 'true' };
  const { id: templateId } = template.parse(await api.call('POST', `${base}/templates`, script));
  for (const [pointer, message] of [
    ['/a/b~2', 'column 5: "~" must be followed by 0 (for "~") or 1 (for "/")'],
    ['/a~1~', 'column 5: "~" must be followed by 0 (for "~") or 1 (for "/")'],
    ['a/b', 'column 1: must be a JSON pointer such as /repository/name'],
  ] as const) {
    const matchers = [{ source: { from: 'body', pointer }, operator: 'exists' }];
    const body = { name: unique('I'), templateId, matchers };
    const refused = await api.refused('POST', `${base}/integrations`, { body });
    expect(refused).toMatchObject({ errors: [{ path: 'matchers.0.source.pointer', message }] });
  }
});
