import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ProjectId, projectInput, scheduleInput, templateInput } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { newId } from '../ids.ts';
import { scheduleStore } from '../schedules/schedules.ts';
import { keys, type Table } from '../table.ts';
import { NameTaken, nameStore } from './names.ts';
import { projectStore, resourceStores } from './resources.ts';
import { ChangedMeanwhile } from './versions.ts';

let db: TestTable;
const now = () => '2026-03-01T12:00:00.000Z';
beforeAll(async () => {
  db = await openTestTable();
});
afterAll(() => db?.close());

const someProject = (): ProjectId => newId('prj');
const aTemplate = (name: string) => templateInput.parse({ name, app: 'bash', script: 'true' });
const open = (table: Table = db.table) => ({
  names: nameStore(table, now),
  projects: projectStore(table, { now, newId }),
  schedules: scheduleStore(table, { now, newId }),
  ...resourceStores(table, { now, newId }),
});
const taken = async (save: Promise<unknown>): Promise<NameTaken> => {
  const error = await save.then(
    () => new Error('It was saved.'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof NameTaken)) throw error;
  return error;
};

/** Table whose transactions fail: before the write, or after it, when the answer is lost. */
const failing = (isWritten: boolean): Table => ({
  ...db.table,
  transact: async (writes) => {
    if (isWritten) await db.table.transact(writes);
    throw new Error('failed');
  },
});

/** Table that runs another function just before its call of that number, counted from 0. */
const interruptedAt = (at: number, event: () => Promise<unknown>): { table: Table; calls: () => number } => {
  let calls = 0;
  const before = async (): Promise<void> => {
    calls += 1;
    if (calls === at + 1) await event();
  };
  const { get, put, update, remove, transact, query } = db.table;
  const after =
    <Args extends unknown[], T>(call: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      await before();
      return call(...args);
    };
  const watched = {
    get: after(get),
    put: after(put),
    update: after(update),
    remove: after(remove),
    transact: after(transact),
    query: after(query),
  };
  return { table: { ...db.table, ...watched }, calls: () => calls };
};

/** Names and their holders, as items and as locks have them. */
const namesIn = async (projectId: ProjectId) => {
  const own = (await db.dump()).filter(({ pk }) => pk === projectId);
  const locks = own.filter(({ sk }) => String(sk).startsWith('name#'));
  return {
    items: own
      .filter(({ sk }) => String(sk).startsWith('tpl_'))
      .map(({ sk, name }) => `${name} ${sk}`)
      .sort(),
    locks: locks.map(({ sk, id }) => `${String(sk).slice('name#tpl#'.length)} ${id}`).sort(),
  };
};

describe('the name of a resource', () => {
  it('is refused to a second resource of the kind in the project, with the id of the first', async () => {
    const { templates, inventories } = open();
    const projectId = someProject();
    const first = await templates.create(projectId, aTemplate('Deploy'));
    expect(await taken(templates.create(projectId, aTemplate('Deploy')))).toMatchObject({
      kind: 'tpl',
      wanted: 'Deploy',
      holderId: first.id,
    });
    await templates.create(projectId, aTemplate('deploy'));
    await templates.create(someProject(), aTemplate('Deploy'));
    await inventories.create(projectId, { name: 'Deploy', type: 'static', content: 'a' });
    expect((await templates.list(projectId)).map(({ name }) => name)).toEqual(['Deploy', 'deploy']);
  });

  it('is free after a rename and after a removal', async () => {
    const { templates } = open();
    const projectId = someProject();
    const first = await templates.create(projectId, aTemplate('A'));
    await templates.replace(projectId, first.id, aTemplate('A'));
    await templates.replace(projectId, first.id, aTemplate('B'));
    const second = await templates.create(projectId, aTemplate('A'));
    expect((await taken(templates.replace(projectId, first.id, aTemplate('A')))).holderId).toBe(second.id);
    await templates.remove(projectId, second.id);
    await templates.replace(projectId, first.id, aTemplate('A'));
    await templates.create(projectId, aTemplate('B'));
  });

  it('goes to one of two concurrent saves', async () => {
    const { templates } = open();
    const projectId = someProject();
    const saves = [1, 2, 3, 4].map(() => templates.create(projectId, aTemplate('Deploy')));
    const outcomes = await Promise.allSettled(saves);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await templates.list(projectId)).toHaveLength(1);
  });

  it('is free at once after a failed write, unless the write took place', async () => {
    const { templates } = open();
    const projectId = someProject();
    const before = await templates.create(projectId, aTemplate('A'));
    const unwritten = open(failing(false)).templates;
    await expect(unwritten.create(projectId, aTemplate('B'))).rejects.toThrow('failed');
    await expect(unwritten.replace(projectId, before.id, aTemplate('C'))).rejects.toThrow('failed');
    await expect(unwritten.replace(projectId, before.id, aTemplate('A'))).rejects.toThrow('failed');
    for (const name of ['B', 'C']) await templates.create(projectId, aTemplate(name));
    await expect(open(failing(true)).templates.create(projectId, aTemplate('D'))).rejects.toThrow('failed');
    for (const name of ['A', 'D']) await taken(templates.create(projectId, aTemplate(name)));
  });

  it('is taken over at once from a lock whose holder is gone or renamed', async () => {
    const { templates } = open();
    const projectId = someProject();
    const other = await templates.create(projectId, aTemplate('Other'));
    for (const [name, id] of [
      ['A', newId('tpl')],
      ['B', other.id],
    ] as const) {
      await db.table.put({ ...keys.name(projectId, 'tpl', name), id, takenAt: now() });
      await templates.create(projectId, aTemplate(name));
    }
  });

  const orRefused = (error: unknown): void => {
    if (!(error instanceof ChangedMeanwhile || error instanceof NameTaken)) throw error;
  };
  const saves = {
    'a rename': (store, projectId, id) => store.replace(projectId, id, aTemplate('M')),
    'a change of something else': (store, projectId, id) => store.replace(projectId, id, aTemplate('N')),
    'a removal': (store, projectId, id) => store.remove(projectId, id),
    'the making of another one': (store, projectId) => store.create(projectId, aTemplate('N')),
  } satisfies Record<
    string,
    (store: ReturnType<typeof open>['templates'], projectId: ProjectId, id: string) => Promise<unknown>
  >;
  const kinds = Object.entries(saves);
  it.each(kinds.flatMap(([name, first]) => kinds.map(([other, second]) => ({ name, first, other, second }))))(
    'agrees with its lock when $other comes at any point of $name',
    async ({ first, second }) => {
      for (let at = 0, calls = 1; at < calls; at += 1) {
        const projectId = someProject();
        const { templates } = open();
        const { id } = await templates.create(projectId, aTemplate('N'));
        const interrupted = interruptedAt(at, () => second(templates, projectId, id).catch(orRefused));
        await first(open(interrupted.table).templates, projectId, id).catch(orRefused);
        calls = interrupted.calls();
        const { items, locks } = await namesIn(projectId);
        expect(locks).toEqual(items);
      }
    },
  );

  it('stays with all holders from before locks existed, until the newer ones are saved', async () => {
    const projectId = someProject();
    const { templates } = open();
    const ids = [newId('tpl', '2026-01-01T00:00:00.000Z'), newId('tpl', '2026-02-01T00:00:00.000Z')] as const;
    for (const id of ids) {
      const item = { ...aTemplate('Deploy'), id, projectId, createdAt: now() };
      await db.table.put({ ...keys.resource(projectId, id), ...item });
    }
    const [older, newer] = ids;
    expect((await taken(templates.create(projectId, aTemplate('Deploy')))).holderId).toBe(older);
    expect((await taken(templates.replace(projectId, newer, aTemplate('Deploy')))).holderId).toBe(older);
    await templates.replace(projectId, older, aTemplate('Deploy'));
    await templates.replace(projectId, newer, aTemplate('Deploy 2'));
    expect(await templates.list(projectId)).toHaveLength(2);
  });

  it('needs no read of the other resources once old ones have their locks', async () => {
    const projectId = someProject();
    await open().templates.create(projectId, aTemplate('A'));
    const queries: unknown[] = [];
    const watched: Table = {
      ...db.table,
      query: (query) => {
        queries.push(query);
        return db.table.query(query);
      },
    };
    await open(watched).templates.create(projectId, aTemplate('B'));
    expect(queries).toEqual([]);
  });
});

describe('the name of a project', () => {
  it('is unique in the stack, and free when the project is removed', async () => {
    const { projects } = open();
    const input = projectInput.parse({ name: 'Shop' });
    const made = await projects.create(input);
    expect((await taken(projects.create(input))).holderId).toBe(made.id);
    await projects.replace(made.id, input);
    await projects.remove(made.id);
    await projects.create(input);
  });
});

describe('the name of a schedule', () => {
  it('is free as soon as its owner has removed it', async () => {
    const { schedules } = open();
    const projectId = someProject();
    const input = scheduleInput.parse({ name: 'nightly', templateId: newId('tpl'), cron: '0 3 * * *' });
    const made = await schedules.create(projectId, input, {});
    expect((await taken(schedules.create(projectId, input, {}))).holderId).toBe(made.id);
    await schedules.markRemoved(made);
    await schedules.create(projectId, input, {});
  });
});
