import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { epochMs, type Template } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { entryOf, lineOf } from '../../adapters/tasks/limits.ts';
import { reconcile } from '../reconcile/reconcile.ts';
import { aStarter, type FlowFixture, flowFixture } from '../testing.ts';
import { leaveLimits } from './assign.ts';
import { limitReasons } from './limits.ts';
import { setLimit } from './repair-limits.ts';
import { finishTask } from './report.ts';
import { startTask, stopTask } from './start-task.ts';

let table: TestTable;
let fixture: FlowFixture;
beforeEach(async () => {
  table = await openTestTable();
  fixture = flowFixture(table.table);
});
afterEach(() => table?.close());

const success = { status: 'success', exitCode: 0, logChunks: 1, lease: '' } as const;

const online = async () => {
  const runner = await fixture.addRunner({ instanceId: 'i-00000000000000001', maxParallelTasks: 0 });
  await fixture.instanceBecomes(runner, 'running');
  await fixture.beat(runner);
  return fixture.reload(runner);
};
const read = async ({ id }: { id: string }) => {
  const task = await fixture.deps.tasks.get(fixture.projectId, id);
  if (!task) throw new Error('the task is gone');
  return task;
};
const assignedTo = async (runner: Awaited<ReturnType<typeof online>>) =>
  (await fixture.reload(runner)).assigned;
const end = async (runner: Awaited<ReturnType<typeof online>>, { id }: { id: `tsk_${string}` }) =>
  finishTask(
    fixture.deps,
    { ...fixture.agentOf(runner), projectId: fixture.projectId, taskId: id, attempt: 1 },
    success,
  );
const limitOf = (template: Template) => ({ projectId: fixture.projectId, ownerId: template.id });

describe('a limit of concurrent tasks', () => {
  it('keeps a task unassigned, assigned to nobody, until an earlier one has ended', async () => {
    const runner = await online();
    const template = fixture.addTemplate({ maxParallelTasks: 1 });
    const [first, second] = [await fixture.start(template), await fixture.start(template)];
    expect(await assignedTo(runner)).toEqual([first.id]);
    expect(second.reason).toBe(
      '1 of 1 task of template deploy runs or is about to. Wait, or raise maxParallelTasks of the template.',
    );
    await fixture.claim(runner, first);
    expect(await fixture.claim(runner, second)).toMatchObject({ ok: false });
    await end(runner, first);
    expect(await assignedTo(runner)).toEqual([second.id]);
    expect(await fixture.claim(runner, second)).toMatchObject({ claim: { taskId: second.id } });
  });

  it('wakes no instance for a task that it holds back', async () => {
    for (const number of [1, 2]) {
      await fixture.addRunner({ instanceId: `i-0000000000000000${number}`, maxParallelTasks: 1 });
    }
    const template = fixture.addTemplate({ maxParallelTasks: 1 });
    await fixture.start(template);
    await fixture.start(template);
    expect(fixture.sent).toHaveLength(1);
  });

  it('is never exceeded, however many tasks arrive at once', async () => {
    const runner = await online();
    const template = fixture.addTemplate({ maxParallelTasks: 2 });
    await Promise.all(Array.from({ length: 8 }, () => fixture.start(template)));
    expect(await assignedTo(runner)).toHaveLength(2);
    const limit = await fixture.deps.limits.get(limitOf(template));
    expect(limit?.held).toHaveLength(2);
    expect(await fixture.deps.lines.all(lineOf(limitOf(template)))).toHaveLength(6);
  });

  it('calls higher priorities first, and lets no new task pass those in line', async () => {
    const runner = await online();
    const template = fixture.addTemplate({ maxParallelTasks: 1 });
    const first = await fixture.start(template);
    await fixture.start(template);
    const urgent = await fixture.start(fixture.change(template, { priority: 5 }));
    await fixture.claim(runner, first);
    await end(runner, first);
    expect(await assignedTo(runner)).toEqual([urgent.id]);
  });

  it('counts the tasks of all templates in a project', async () => {
    const runner = await online();
    fixture.project.maxParallelTasks = 1;
    const first = await fixture.start(fixture.addTemplate());
    const second = await fixture.start(fixture.addTemplate({ maxParallelTasks: 3 }));
    expect(await assignedTo(runner)).toEqual([first.id]);
    expect(await limitReasons(fixture.deps)(second, fixture.projectId)).toMatch(
      /^1 of 1 task of this project runs .* raise maxParallelTasks of the project\.$/,
    );
    await stopTask(fixture.deps, await read(first), 'Ann');
    expect(await assignedTo(runner)).toEqual([second.id]);
  });

  it('is left by a task that no runner can serve, so that others continue', async () => {
    const runner = await online();
    fixture.project.maxParallelTasks = 1;
    await fixture.start(fixture.addTemplate({ tag: 'nowhere' }));
    const second = await fixture.start(fixture.addTemplate());
    expect(await assignedTo(runner)).toEqual([second.id]);
  });

  it('applies from its save on: running tasks count, waiting ones go back into the line', async () => {
    const runner = await online();
    const template = fixture.addTemplate();
    const tasks = [
      await fixture.start(template),
      await fixture.start(template),
      await fixture.start(template),
    ];
    await fixture.claim(runner, { id: tasks[0]?.id ?? 'tsk_' });
    await setLimit(fixture.deps, fixture.change(template, { maxParallelTasks: 1 }));
    expect(await assignedTo(runner)).toEqual([]);
    await setLimit(fixture.deps, fixture.change(template, { maxParallelTasks: 2 }));
    expect(await assignedTo(runner)).toEqual([tasks[1]?.id]);
    await setLimit(fixture.deps, fixture.change(template, { maxParallelTasks: 1 }));
    expect(await assignedTo(runner)).toEqual([]);
    await setLimit(fixture.deps, fixture.change(template, { maxParallelTasks: 0 }));
    expect(await assignedTo(runner)).toHaveLength(2);
  });

  it('is entered again by a returned task, when it was lowered meanwhile', async () => {
    const runner = await online();
    const template = fixture.addTemplate({ maxParallelTasks: 2 });
    const [first, second] = [await fixture.start(template), await fixture.start(template)];
    await fixture.claim(runner, first);
    await fixture.claim(runner, second);
    await setLimit(fixture.deps, fixture.change(template, { maxParallelTasks: 1 }));
    const lease = { ...fixture.agentOf(runner), projectId: fixture.projectId, taskId: first.id, attempt: 1 };
    await finishTask(fixture.deps, lease, { ...success, status: 'handed_back' });
    expect(await read(first)).toMatchObject({ status: 'waiting', limitedBy: template.id });
    await end(runner, second);
    expect(await assignedTo(runner)).toEqual([first.id]);
  });

  it('is not exceeded by a lost task with one place too many, after a crash halfway', async () => {
    const runner = await online();
    const template = fixture.addTemplate({ maxParallelTasks: 2 });
    const [first, second] = [await fixture.start(template), await fixture.start(template)];
    await fixture.claim(runner, first);
    await fixture.claim(runner, second);
    await setLimit(fixture.deps, fixture.change(template, { maxParallelTasks: 1 }));
    await fixture.deps.runners.returnSlot(runner, first);
    const holder = { runnerId: runner.id, attempt: 1 };
    await fixture.deps.tasks.requeue(await read(first), holder, 'a function stopped here');
    await reconcile(fixture.deps);
    expect(await read(first)).toMatchObject({ status: 'waiting', limitedBy: template.id });
    expect(await fixture.claim(runner, first)).toMatchObject({ ok: false });
    await end(runner, second);
    expect(await assignedTo(runner)).toEqual([first.id]);
  });

  it('is not exceeded by a start that is retried after the limit was lowered', async () => {
    const runner = await online();
    const template = fixture.addTemplate({ maxParallelTasks: 2 });
    await fixture.claim(runner, await fixture.start(template));
    const id = fixture.deps.newId('tsk');
    // Simulates a function that stopped here.
    await fixture.deps.limits.enter(limitOf(template), entryOf({ id }), 2);
    await setLimit(fixture.deps, fixture.change(template, { maxParallelTasks: 1 }));
    await startTask(fixture.deps, fixture.projectId, { templateId: template.id }, aStarter, id);
    expect(await read({ id })).toMatchObject({ status: 'waiting', limitedBy: template.id });
    expect(await assignedTo(runner)).toEqual([]);
  });

  it('is lowered by the reconciler for waiting tasks, after a crash of the first function', async () => {
    const runner = await online();
    const template = fixture.addTemplate({ maxParallelTasks: 2 });
    const [first, second] = [await fixture.start(template), await fixture.start(template)];
    await fixture.deps.limits.set(limitOf(template), 1);
    expect(await reconcile(fixture.deps)).toMatchObject({ limit_sent_back: 1 });
    expect(await assignedTo(runner)).toEqual([first.id]);
    expect((await read(second)).limitedBy).toBe(template.id);
  });

  it('is left by a lost task that no runner can serve, so that others continue', async () => {
    const gone = await fixture.addRunner({ tags: ['gone'], instanceId: 'i-00000000000000002' });
    await fixture.instanceBecomes(gone, 'running');
    await fixture.beat(gone);
    const runner = await online();
    fixture.project.maxParallelTasks = 1;
    const lost = await fixture.start(fixture.addTemplate({ tag: 'gone' }));
    await fixture.claim(gone, lost);
    const next = await fixture.start(fixture.addTemplate());
    await fixture.deps.runners.requestDrain(gone, fixture.deps.now());
    const lease = { ...fixture.agentOf(gone), projectId: fixture.projectId, taskId: lost.id, attempt: 1 };
    await finishTask(fixture.deps, lease, { ...success, status: 'handed_back' });
    expect(await assignedTo(runner)).toEqual([]);
    expect(await reconcile(fixture.deps)).toMatchObject({ limit_freed: 1 });
    expect(await assignedTo(runner)).toEqual([next.id]);
  });

  it('counts a task that is handed back while the limit is set', async () => {
    const runner = await online();
    const template = fixture.addTemplate();
    const task = await fixture.start(template);
    await fixture.claim(runner, task);
    const { limits } = fixture.deps;
    let isHandedBack = false;
    const count: typeof limits.count = async (...about) => {
      const lease = { ...fixture.agentOf(runner), projectId: fixture.projectId, taskId: task.id, attempt: 1 };
      if (!isHandedBack) await finishTask(fixture.deps, lease, { ...success, status: 'handed_back' });
      isHandedBack = true;
      return limits.count(...about);
    };
    const limited = fixture.change(template, { maxParallelTasks: 1 });
    await setLimit({ ...fixture.deps, limits: { ...limits, count } }, limited);
    expect(await read(task)).toMatchObject({ attempt: 2, admitted: true, limits: [{ max: 1 }] });
    expect((await limits.get(limitOf(template)))?.held).toHaveLength(1);
  });

  it('is not closed to a task by a call that read it before another admitted it', async () => {
    await online();
    const task = await read(await fixture.start(fixture.addTemplate({ maxParallelTasks: 1 })));
    const { limits } = task;
    const late = { limits, admitted: false, limitedBy: limits?.[0]?.ownerId };
    expect(await fixture.deps.tasks.limit({ ...task, admitted: undefined }, late)).toBeUndefined();
    expect((await read(task)).admitted).toBe(true);
  });

  it('is freed by the reconciler from a task that ended without leaving it', async () => {
    const runner = await online();
    const template = fixture.addTemplate({ maxParallelTasks: 1 });
    const first = await fixture.start(template);
    await fixture.deps.tasks.stopWaiting(first, 'a function stopped here', fixture.deps.now());
    // Ids contain the time of this machine.
    fixture.pass(Date.now() + 120_000 - epochMs(fixture.deps.now()));
    const second = await fixture.start(template);
    await fixture.beat(runner);
    expect(await reconcile(fixture.deps)).toMatchObject({ limit_freed: 1, limit_line_called: 1 });
    expect((await read(second)).admitted).toBe(true);
  });

  it('is entered again by a task that lost its place but stayed assigned to its runner', async () => {
    const runner = await online();
    const task = await fixture.start(fixture.addTemplate({ maxParallelTasks: 1 }));
    const { limits } = await read(task);
    // Simulates a function that stopped here, before it took the task from its runner.
    await fixture.deps.tasks.limit(await read(task), { limits, admitted: false, limitedBy: undefined });
    expect(await assignedTo(runner)).toEqual([task.id]);
    expect(await fixture.claim(runner, task)).toMatchObject({ ok: false });
    expect(await reconcile(fixture.deps)).toMatchObject({ task_placed_again: 1 });
    expect(await fixture.claim(runner, task)).toMatchObject({ ok: true });
  });

  it('is not left by a late call, after the task has entered it again', async () => {
    await online();
    const template = fixture.addTemplate({ maxParallelTasks: 1 });
    const before = await read(await fixture.start(template));
    const { limits } = before;
    await fixture.deps.tasks.limit(
      before,
      { limits, admitted: false, limitedBy: undefined },
      { leaves: true },
    );
    await reconcile(fixture.deps);
    await leaveLimits(fixture.deps, before);
    await leaveLimits(fixture.deps, before);
    expect(await read(before)).toMatchObject({ status: 'waiting', admitted: true });
    expect((await fixture.deps.limits.get(limitOf(template)))?.held).toHaveLength(1);
  });
});
