import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environmentInput, inventoryInput, type ProjectId, templateInput } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { newId } from '../ids.ts';
import { projectStore, readTaskParts, resourceStores } from './resources.ts';

const now = () => '2026-03-01T12:00:00.000Z';
const aTemplate = (fields: object = {}) =>
  templateInput.parse({ name: 'Deploy', app: 'bash', script: 'echo hello', ...fields });
const anInventory = (fields: object = {}) =>
  inventoryInput.parse({ name: 'Hosts', type: 'static', content: 'localhost', ...fields });

let db: TestTable;
beforeAll(async () => {
  db = await openTestTable();
});
afterAll(() => db?.close());

const open = () => ({
  projects: projectStore(db.table, { now, newId }),
  ...resourceStores(db.table, { now, newId }),
});
const someProject = (): ProjectId => newId('prj');

describe('a resource store', () => {
  it('creates, gets, lists oldest first, replaces and removes', async () => {
    const { templates } = open();
    const projectId = someProject();
    const first = await templates.create(projectId, aTemplate({ name: 'First', tag: 'sydney' }));
    const second = await templates.create(projectId, aTemplate({ name: 'Second' }));
    expect(first).toMatchObject({ projectId, name: 'First', createdAt: now(), timeoutMs: 3_600_000 });
    expect(await templates.get(projectId, first.id)).toEqual(first);
    expect((await templates.list(projectId)).map(({ name }) => name)).toEqual(['First', 'Second']);

    const replaced = await templates.replace(projectId, first.id, aTemplate({ name: 'Other' }));
    expect(replaced).toEqual(await templates.get(projectId, first.id));
    expect(replaced).not.toHaveProperty('tag');
    expect(replaced).toMatchObject({ id: first.id, name: 'Other', createdAt: first.createdAt });

    expect(await templates.remove(projectId, second.id)).toBe(true);
    expect(await templates.remove(projectId, second.id)).toBe(false);
    expect(await templates.get(projectId, second.id)).toBeUndefined();
  });

  it('hides resources of another project', async () => {
    const { inventories } = open();
    const mine = await inventories.create(someProject(), anInventory());
    const other = someProject();
    expect(await inventories.get(other, mine.id)).toBeUndefined();
    expect(await inventories.replace(other, mine.id, anInventory())).toBeUndefined();
    expect(await inventories.remove(other, mine.id)).toBe(false);
    expect(await inventories.list(other)).toEqual([]);
  });

  it('does not replace a missing resource', async () => {
    const { templates } = open();
    const projectId = someProject();
    expect(await templates.replace(projectId, newId('tpl'), aTemplate())).toBeUndefined();
    expect(await templates.list(projectId)).toEqual([]);
  });

  it('never shows a secret', async () => {
    const { keys, environments } = open();
    const projectId = someProject();
    const key = await keys.create(projectId, {
      name: 'Vault',
      secret: { type: 'string', value: 'hunter2-hunter2' },
    });
    const environment = await environments.create(
      projectId,
      environmentInput.parse({ name: 'Live', variables: { A: '1' }, secrets: { TOKEN: 'hunter2-hunter2' } }),
    );
    expect(key).toMatchObject({ name: 'Vault', type: 'string' });
    expect(environment).toMatchObject({ variables: { A: '1' }, secretNames: ['TOKEN'] });
    const shown = [
      key,
      environment,
      await keys.get(projectId, key.id),
      await environments.get(projectId, environment.id),
      await keys.list(projectId),
      await environments.list(projectId),
    ];
    expect(JSON.stringify(shown)).not.toContain('hunter2');
  });
});

describe('a secret that version 0.1.0 stored in a public field', () => {
  const aged = async () => {
    const { repositories, templates } = open();
    const projectId = someProject();
    const url = 'https://user:hunter2@git.test/a.git';
    const { id: repositoryId } = await repositories.create(projectId, { name: 'A', url, branch: 'main' });
    const input = aTemplate({ app: 'terraform', script: '#', terraform: { backendConfig: { key: 'net' } } });
    const terraform = {
      autoApprove: false,
      confirmTimeoutMs: 1000,
      backendConfig: { secret_key: 'hunter2' },
    };
    const { id: templateId } = await templates.create(projectId, { ...input, terraform });
    return { repositories, templates, projectId, repositoryId, templateId };
  };

  it('is shown redacted', async () => {
    const { repositories, templates, projectId, repositoryId, templateId } = await aged();
    expect((await repositories.get(projectId, repositoryId))?.url).toBe('https://user:***@git.test/a.git');
    expect((await templates.get(projectId, templateId))?.terraform).toEqual({
      autoApprove: false,
      confirmTimeoutMs: 1000,
      backendConfig: { secret_key: '***' },
    });
    const listed = [await repositories.list(projectId), await templates.list(projectId)];
    expect(JSON.stringify(listed)).not.toContain('hunter2');
  });

  it('reaches the runner unchanged', async () => {
    const { projectId, repositoryId, templateId } = await aged();
    expect(await readTaskParts(db.table, { projectId, templateId, repositoryId })).toMatchObject({
      repository: { url: 'https://user:hunter2@git.test/a.git' },
      template: { terraform: { backendConfig: { secret_key: 'hunter2' } } },
    });
  });
});

describe('readTaskParts', () => {
  const aProjectWithAll = async () => {
    const stores = open();
    const projectId = someProject();
    const key = await stores.keys.create(projectId, {
      name: 'Deploy key',
      secret: { type: 'ssh', privateKey: 'PRIVATE' },
    });
    const inventory = await stores.inventories.create(projectId, anInventory({ keyId: key.id }));
    const repository = await stores.repositories.create(projectId, {
      name: 'Playbooks',
      url: 'https://example.org/playbooks.git',
      branch: 'main',
      keyId: key.id,
    });
    const environment = await stores.environments.create(
      projectId,
      environmentInput.parse({ name: 'Live', variables: { A: '1' }, secrets: { B: '2' } }),
    );
    const template = await stores.templates.create(
      projectId,
      aTemplate({
        inventoryId: inventory.id,
        repositoryId: repository.id,
        environmentId: environment.id,
      }),
    );
    const task = {
      projectId,
      templateId: template.id,
      inventoryId: inventory.id,
      repositoryId: repository.id,
      environmentId: environment.id,
    };
    return { stores, projectId, task, key, inventory, environment };
  };

  it('reads all that a task needs, with its secrets', async () => {
    const { task } = await aProjectWithAll();
    expect(await readTaskParts(db.table, task)).toMatchObject({
      template: { name: 'Deploy' },
      inventory: { type: 'static', content: 'localhost' },
      inventoryKey: { type: 'ssh', privateKey: 'PRIVATE' },
      repository: { url: 'https://example.org/playbooks.git' },
      repositoryKey: { type: 'ssh' },
      environment: { variables: { A: '1' }, secrets: { B: '2' } },
    });
  });

  it('reads a template alone', async () => {
    const { templates } = open();
    const projectId = someProject();
    const { id } = await templates.create(projectId, aTemplate());
    const parts = await readTaskParts(db.table, { projectId, templateId: id });
    expect(parts?.template.id).toBe(id);
    expect(parts?.inventory).toBeUndefined();
  });

  it('returns undefined when a part was removed, even a key that only an inventory names', async () => {
    const { stores, projectId, task, key } = await aProjectWithAll();
    await stores.keys.remove(projectId, key.id);
    expect(await readTaskParts(db.table, task)).toBeUndefined();
  });

  it('reads no resource of another project', async () => {
    const { task } = await aProjectWithAll();
    expect(await readTaskParts(db.table, { ...task, projectId: someProject() })).toBeUndefined();
  });
});

describe('the project store', () => {
  it('removes a project with all its items, and none of another', async () => {
    const { projects, keys } = open();
    const doomed = await projects.create({ name: 'Doomed', logRetentionDays: 90, maxParallelTasks: 0 });
    const kept = await projects.create({ name: 'Kept', logRetentionDays: 90, maxParallelTasks: 0 });
    const secret = { type: 'string', value: 'secret' } as const;
    await keys.create(doomed.id, { name: 'a', secret });
    const other = await keys.create(kept.id, { name: 'b', secret });

    expect(await projects.remove(doomed.id)).toBe(true);
    expect(await projects.get(doomed.id)).toBeUndefined();
    expect((await db.dump()).filter(({ pk }) => pk === doomed.id)).toEqual([]);
    expect(await keys.get(kept.id, other.id)).toEqual(other);
    expect(await projects.remove(doomed.id)).toBe(false);
  });

  it('lists and replaces projects', async () => {
    const { projects } = open();
    const made = await projects.create({
      name: 'Name',
      description: 'What for',
      logRetentionDays: 90,
      maxParallelTasks: 0,
    });
    expect(
      await projects.replace(made.id, { name: 'New name', logRetentionDays: 90, maxParallelTasks: 0 }),
    ).toEqual({
      id: made.id,
      name: 'New name',
      logRetentionDays: 90,
      maxParallelTasks: 0,
      createdAt: made.createdAt,
    });
    expect(await projects.list()).toContainEqual({
      id: made.id,
      name: 'New name',
      logRetentionDays: 90,
      maxParallelTasks: 0,
      createdAt: now(),
    });
    expect(
      await projects.replace(newId('prj'), { name: 'x', logRetentionDays: 90, maxParallelTasks: 0 }),
    ).toBeUndefined();
  });
});
