import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { epochMs, type TaskId, type Template } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { entryOf, lineOf } from '../../adapters/tasks/limits.ts';
import { reconcile } from '../reconcile/reconcile.ts';
import { aStarter, type FlowFixture, flowFixture } from '../testing.ts';
import { limitReasons } from './limits.ts';
import { setLimit } from './repair-limits.ts';
import { finishTask } from './report.ts';
import { startTask, stopTask } from './start-task.ts';

let table: TestTable;
let fixture: FlowFixture;
let runner: RunnerRecord;
let template: Template;
beforeEach(async () => {
  table = await openTestTable();
  fixture = flowFixture(table.table);
  const made = await fixture.addRunner({ instanceId: 'i-00000000000000001', maxParallelTasks: 0 });
  await fixture.instanceBecomes(made, 'running');
  await fixture.beat(made);
  runner = await fixture.reload(made);
  template = fixture.addTemplate({ maxParallelTasks: 1 });
});
afterEach(() => table?.close());

type Ids = { readonly id: TaskId };
const limit = () => ({ projectId: fixture.projectId, ownerId: template.id });
const stateOfLimit = () => fixture.deps.limits.get(limit());
const line = async () => (await fixture.deps.lines.all(lineOf(limit()))).map(({ id }) => id);
const assigned = async () => (await fixture.reload(runner)).assigned;
const read = async ({ id }: Ids) => {
  const task = await fixture.deps.tasks.get(fixture.projectId, id);
  if (!task) throw new Error('The task is gone.');
  return task;
};
const startAll = async (count: number) => {
  const tasks = [];
  for (let made = 0; made < count; made++) tasks.push(await fixture.start(template));
  const [first] = tasks;
  if (!first) throw new Error('It starts one task at least.');
  return { tasks, first, ids: tasks.map(({ id }) => id) };
};
const end = async ({ id }: Ids, deps = fixture.deps) => {
  if ((await read({ id })).status === 'waiting') await fixture.claim(runner, { id });
  const { attempt } = await read({ id });
  return finishTask(
    deps,
    { ...fixture.agentOf(runner), projectId: fixture.projectId, taskId: id, attempt },
    { status: 'success', exitCode: 0, logChunks: 1, lease: '' },
  );
};
/** Ends one admitted task after the other, and returns all in the order of their ends. */
const endAll = async (): Promise<TaskId[]> => {
  const ended: TaskId[] = [];
  for (let [next] = await assigned(); next; [next] = await assigned()) {
    await end({ id: next });
    ended.push(next);
  }
  return ended;
};
/** Writes the line as 0.1.0 did: in the limit's item. */
const asIn010 = async () => {
  const places = await fixture.deps.lines.all(lineOf(limit()));
  for (const place of places) await fixture.deps.lines.leave(lineOf(limit()), place);
  const key = { pk: fixture.projectId, sk: `lim_${template.id}` };
  const entries = new Set(places.map(({ rank }) => rank));
  await table.table.update(key, { set: { line: entries }, unset: ['joined'] }, []);
};

describe('the line of a limit', () => {
  it('has an item for each task, and the limit none of them', async () => {
    const { ids } = await startAll(30);
    expect(await line()).toEqual(ids.slice(1));
    expect(await stateOfLimit()).toMatchObject({ held: [entryOf({ id: ids[0] ?? 'tsk_' })], line: [] });
  });

  it('is called by priority, then by age', async () => {
    const { ids } = await startAll(3);
    template = fixture.change(template, { priority: 5 });
    const urgent = await fixture.start(template);
    expect(await endAll()).toEqual([ids[0], urgent.id, ids[1], ids[2]]);
    expect(await line()).toEqual([]);
  });

  it('admits without a look once it is empty again', async () => {
    await startAll(2);
    await endAll();
    expect((await stateOfLimit())?.joined).toBeUndefined();
    const task = await fixture.start(template);
    expect(await line()).toEqual([]);
    expect(await assigned()).toEqual([task.id]);
  });

  it('is not passed by a new task while a free place awaits its call', async () => {
    const { first, ids } = await startAll(2);
    // Simulates a function that stopped here, before it called the line.
    await fixture.deps.limits.leave(limit(), entryOf(first));
    const late = await fixture.start(template);
    expect(await assigned()).toContain(ids[1]);
    expect(await line()).toEqual([late.id]);
  });

  it('is looked at by a task that joined it just as the place came free', async () => {
    const { first } = await startAll(1);
    const { lines } = fixture.deps;
    const join: typeof lines.join = async (...about) => {
      await end(first);
      await lines.join(...about);
    };
    const deps = { ...fixture.deps, lines: { ...lines, join } };
    await startTask(deps, fixture.projectId, { templateId: template.id }, aStarter);
    expect(await assigned()).toHaveLength(1);
    expect(await line()).toEqual([]);
  });

  it('stays known to the limit when a task joins it while it is found empty', async () => {
    const { first, tasks } = await startAll(2);
    const [, second] = tasks;
    await fixture.deps.tasks.stopWaiting(second ?? first, 'a function stopped here', fixture.deps.now());
    const { lines } = fixture.deps;
    let third: Ids | undefined;
    const readFirst: typeof lines.first = async (...about) => {
      const found = await lines.first(...about);
      const isLimits = about[0] === lineOf(limit());
      if (isLimits && found.length === 0 && !third) {
        await fixture.deps.limits.count(limit(), 'another');
        third = await fixture.start(template);
      }
      return found;
    };
    await fixture.deps.lines.leave(lineOf(limit()), {
      projectId: fixture.projectId,
      id: second?.id ?? 'tsk_',
      rank: entryOf(second ?? first),
    });
    await end(first, { ...fixture.deps, lines: { ...lines, first: readFirst } });
    expect(await line()).toEqual([third?.id]);
    expect((await stateOfLimit())?.joined).toBeGreaterThan(0);
  });

  it('is left by a task that is stopped, and says how many are ahead', async () => {
    const { tasks, ids } = await startAll(4);
    const reasons = async (id: TaskId) => limitReasons(fixture.deps)(await read({ id }), template.id);
    expect(await reasons(ids[3] ?? 'tsk_')).toContain('; 2 tasks are ahead. Wait');
    await stopTask(fixture.deps, await read(tasks[1] ?? { id: 'tsk_' }), 'Ann');
    expect(await line()).toEqual(ids.slice(2));
    expect(await reasons(ids[3] ?? 'tsk_')).toContain('; 1 task is ahead. Wait');
    expect(await reasons(ids[2] ?? 'tsk_')).toContain('; this one is next. Wait');
  });

  it('has a task called that waits for its project after its template', async () => {
    fixture.project.maxParallelTasks = 1;
    const other = await fixture.start(fixture.addTemplate());
    const { ids } = await startAll(2);
    await end(other);
    expect(await assigned()).toEqual([ids[0]]);
    expect(await endAll()).toEqual(ids);
  });

  it('is emptied when the limit is lifted, and the limit then counts nobody', async () => {
    const { ids } = await startAll(25);
    template = fixture.change(template, { maxParallelTasks: 0 });
    await setLimit(fixture.deps, template);
    await reconcile(fixture.deps);
    expect(await line()).toEqual([]);
    expect(await assigned()).toEqual(ids);
    expect((await stateOfLimit())?.held).toHaveLength(1);
    template = fixture.change(template, { maxParallelTasks: 2 });
    await setLimit(fixture.deps, template);
    expect(await assigned()).toHaveLength(2);
  });

  it('is left by all its tasks when no runner can serve them any more', async () => {
    const { first } = await startAll(25);
    await fixture.claim(runner, first);
    await fixture.deps.runners.requestDrain(runner, fixture.deps.now());
    await end(first);
    expect(await reconcile(fixture.deps)).not.toHaveProperty('failed_and_left_for_later');
    expect(await line()).toEqual([]);
    expect((await stateOfLimit())?.held).toEqual([]);
  });
});

describe('the reconciler', () => {
  it('removes the entry of a task that ended without leaving the line', async () => {
    const { tasks, first } = await startAll(3);
    await fixture.deps.tasks.stopWaiting(tasks[1] ?? first, 'a function stopped here', fixture.deps.now());
    expect(await reconcile(fixture.deps)).toMatchObject({ limit_line_left: 1 });
    expect(await line()).toEqual([tasks[2]?.id]);
  });

  it('removes the entry of a task that was never made, once its start cannot be under way', async () => {
    const { first } = await startAll(2);
    const id = fixture.deps.newId('tsk');
    const place = { projectId: fixture.projectId, id, rank: entryOf({ id }) };
    await fixture.deps.lines.join(lineOf(limit()), place);
    expect(await reconcile(fixture.deps)).not.toHaveProperty('limit_line_left');
    // Ids contain the time of this machine.
    fixture.pass(Date.now() + 120_000 - epochMs(fixture.deps.now()));
    await fixture.beat(runner);
    expect(await reconcile(fixture.deps)).toMatchObject({ limit_line_left: 1 });
    expect((await read(first)).admitted).toBe(true);
  });

  it('assigns a task that a call admitted and then stopped', async () => {
    const { first, tasks } = await startAll(3);
    const next = tasks[1] ?? first;
    await fixture.claim(runner, first);
    const { limits } = fixture.deps;
    const promote: typeof limits.promote = async (...about) => {
      await limits.promote(...about);
      throw new Error('a function stopped here');
    };
    const deps = { ...fixture.deps, limits: { ...limits, promote } };
    await expect(end(first, deps)).rejects.toThrow('a function stopped here');
    expect(await assigned()).toEqual([]);
    await reconcile(fixture.deps);
    expect(await assigned()).toEqual([next.id]);
    expect(await line()).toEqual([tasks[2]?.id]);
  });

  it('has a task join again that lost its entry', async () => {
    const { tasks, first } = await startAll(2);
    const lost = tasks[1] ?? first;
    await fixture.deps.lines.leave(lineOf(limit()), {
      projectId: fixture.projectId,
      id: lost.id,
      rank: entryOf(lost),
    });
    await reconcile(fixture.deps);
    expect(await line()).toEqual([lost.id]);
  });
});

describe('the line of 0.1.0, in the item of its limit', () => {
  it.each(['the end of a task', 'the reconciler'])(
    'is moved by %s, and all are admitted in order',
    async (by) => {
      const { ids } = await startAll(15);
      template = fixture.change(template, { priority: 5 });
      const urgent = await fixture.start(template);
      await asIn010();
      const reason = await limitReasons(fixture.deps)(await read({ id: ids[1] ?? 'tsk_' }), template.id);
      expect(reason).toContain('; 1 task is ahead. Wait');
      if (by === 'the reconciler') {
        expect(await reconcile(fixture.deps)).toMatchObject({ limit_line_moved: 1 });
        expect(await line()).toHaveLength(15);
      }
      template = fixture.change(template, { priority: 0 });
      const late = await fixture.start(template);
      expect(await endAll()).toEqual([ids[0], urgent.id, ...ids.slice(1), late.id]);
      expect(await stateOfLimit()).toMatchObject({ held: [], line: [] });
    },
  );

  it('is left by a task that is stopped', async () => {
    const { tasks, ids, first } = await startAll(3);
    await asIn010();
    await stopTask(fixture.deps, await read(tasks[1] ?? first), 'Ann');
    expect(await endAll()).toEqual([ids[0], ids[2]]);
  });
});
