import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { epochMs, type Template } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { entryOf } from '../../adapters/tasks/limits.ts';
import { reconcile } from '../reconcile.ts';
import { aStarter, type Bench, flowBench } from '../testing.ts';
import { leaveLimits } from './assign.ts';
import { whyLimited } from './limits.ts';
import { setLimit } from './repair-limits.ts';
import { finishTask } from './report.ts';
import { startTask, stopTask } from './start-task.ts';

let table: TestTable;
let bench: Bench;
beforeEach(async () => {
  table = await openTestTable();
  bench = flowBench(table.table);
});
afterEach(() => table?.close());

const success = { status: 'success', exitCode: 0, logChunks: 1, lease: '' } as const;

const online = async () => {
  const runner = await bench.addRunner({ instanceId: 'i-00000000000000001', maxParallelTasks: 0 });
  await bench.instanceBecomes(runner, 'running');
  await bench.beat(runner);
  return bench.reload(runner);
};
const read = async ({ id }: { id: string }) => {
  const task = await bench.deps.tasks.get(bench.projectId, id);
  if (!task) throw new Error('the task is gone');
  return task;
};
const demandOf = async (runner: Awaited<ReturnType<typeof online>>) => (await bench.reload(runner)).demand;
const end = async (runner: Awaited<ReturnType<typeof online>>, { id }: { id: `tsk_${string}` }) =>
  finishTask(
    bench.deps,
    { ...bench.agentOf(runner), projectId: bench.projectId, taskId: id, attempt: 1 },
    success,
  );
const limitOf = (template: Template) => ({ projectId: bench.projectId, ownerId: template.id });

describe('a limit of concurrent tasks', () => {
  it('keeps a task unplaced, without demand, until an earlier one has ended', async () => {
    const runner = await online();
    const template = bench.addTemplate({ maxParallelTasks: 1 });
    const [first, second] = [await bench.start(template), await bench.start(template)];
    expect(await demandOf(runner)).toEqual([first.id]);
    expect(second.reason).toBe(
      '1 of 1 task of template deploy runs or is about to. This one is next. Wait, or raise maxParallelTasks of the template.',
    );
    await bench.claim(runner, first);
    expect(await bench.claim(runner, second)).toMatchObject({ ok: false });
    await end(runner, first);
    expect(await demandOf(runner)).toEqual([second.id]);
    expect(await bench.claim(runner, second)).toMatchObject({ claim: { taskId: second.id } });
  });

  it('wakes no instance for a task that it holds back', async () => {
    for (const number of [1, 2]) {
      await bench.addRunner({ instanceId: `i-0000000000000000${number}`, maxParallelTasks: 1 });
    }
    const template = bench.addTemplate({ maxParallelTasks: 1 });
    await bench.start(template);
    await bench.start(template);
    expect(bench.sent).toHaveLength(1);
  });

  it('is never exceeded, however many tasks arrive at once', async () => {
    const runner = await online();
    const template = bench.addTemplate({ maxParallelTasks: 2 });
    await Promise.all(Array.from({ length: 8 }, () => bench.start(template)));
    expect(await demandOf(runner)).toHaveLength(2);
    const limit = await bench.deps.limits.get(limitOf(template));
    expect([limit?.held.length, limit?.line.length]).toEqual([2, 6]);
  });

  it('calls higher priorities first, and lets no new task pass those in line', async () => {
    const runner = await online();
    const template = bench.addTemplate({ maxParallelTasks: 1 });
    const first = await bench.start(template);
    await bench.start(template);
    const urgent = await bench.start(bench.change(template, { priority: 5 }));
    await bench.claim(runner, first);
    await end(runner, first);
    expect(await demandOf(runner)).toEqual([urgent.id]);
  });

  it('counts the tasks of all templates in a project', async () => {
    const runner = await online();
    bench.project.maxParallelTasks = 1;
    const first = await bench.start(bench.addTemplate());
    const second = await bench.start(bench.addTemplate({ maxParallelTasks: 3 }));
    expect(await demandOf(runner)).toEqual([first.id]);
    expect(await whyLimited(bench.deps, second, bench.projectId)).toMatch(
      /^1 of 1 task of this project runs .* raise maxParallelTasks of the project\.$/,
    );
    await stopTask(bench.deps, await read(first), 'Ann');
    expect(await demandOf(runner)).toEqual([second.id]);
  });

  it('is left by a task that no runner can serve, so that others continue', async () => {
    const runner = await online();
    bench.project.maxParallelTasks = 1;
    await bench.start(bench.addTemplate({ tag: 'nowhere' }));
    const second = await bench.start(bench.addTemplate());
    expect(await demandOf(runner)).toEqual([second.id]);
  });

  it('applies from its save on: running tasks count, waiting ones go back into the line', async () => {
    const runner = await online();
    const template = bench.addTemplate();
    const tasks = [await bench.start(template), await bench.start(template), await bench.start(template)];
    await bench.claim(runner, { id: tasks[0]?.id ?? 'tsk_' });
    await setLimit(bench.deps, bench.change(template, { maxParallelTasks: 1 }));
    expect(await demandOf(runner)).toEqual([]);
    await setLimit(bench.deps, bench.change(template, { maxParallelTasks: 2 }));
    expect(await demandOf(runner)).toEqual([tasks[1]?.id]);
    await setLimit(bench.deps, bench.change(template, { maxParallelTasks: 1 }));
    expect(await demandOf(runner)).toEqual([]);
    await setLimit(bench.deps, bench.change(template, { maxParallelTasks: 0 }));
    expect(await demandOf(runner)).toHaveLength(2);
  });

  it('is entered again by a returned task, when it was lowered meanwhile', async () => {
    const runner = await online();
    const template = bench.addTemplate({ maxParallelTasks: 2 });
    const [first, second] = [await bench.start(template), await bench.start(template)];
    await bench.claim(runner, first);
    await bench.claim(runner, second);
    await setLimit(bench.deps, bench.change(template, { maxParallelTasks: 1 }));
    const lease = { ...bench.agentOf(runner), projectId: bench.projectId, taskId: first.id, attempt: 1 };
    await finishTask(bench.deps, lease, { ...success, status: 'handed_back' });
    expect(await read(first)).toMatchObject({ status: 'waiting', limitedBy: template.id });
    await end(runner, second);
    expect(await demandOf(runner)).toEqual([first.id]);
  });

  it('is not exceeded by a lost task with one place too many, after a crash halfway', async () => {
    const runner = await online();
    const template = bench.addTemplate({ maxParallelTasks: 2 });
    const [first, second] = [await bench.start(template), await bench.start(template)];
    await bench.claim(runner, first);
    await bench.claim(runner, second);
    await setLimit(bench.deps, bench.change(template, { maxParallelTasks: 1 }));
    await bench.deps.runners.returnSlot(runner, first.id);
    const holder = { runnerId: runner.id, attempt: 1 };
    await bench.deps.tasks.requeue(await read(first), holder, 'a function stopped here');
    await reconcile(bench.deps);
    expect(await read(first)).toMatchObject({ status: 'waiting', limitedBy: template.id });
    expect(await bench.claim(runner, first)).toMatchObject({ ok: false });
    await end(runner, second);
    expect(await demandOf(runner)).toEqual([first.id]);
  });

  it('is not exceeded by a start that is retried after the limit was lowered', async () => {
    const runner = await online();
    const template = bench.addTemplate({ maxParallelTasks: 2 });
    await bench.claim(runner, await bench.start(template));
    const id = bench.deps.newId('tsk');
    // Simulates a function that stopped here.
    await bench.deps.limits.enter(limitOf(template), entryOf({ id }), 2);
    await setLimit(bench.deps, bench.change(template, { maxParallelTasks: 1 }));
    await startTask(bench.deps, bench.projectId, { templateId: template.id }, aStarter, id);
    expect(await read({ id })).toMatchObject({ status: 'waiting', limitedBy: template.id });
    expect(await demandOf(runner)).toEqual([]);
  });

  it('is lowered by the reconciler for waiting tasks, after a crash of the first function', async () => {
    const runner = await online();
    const template = bench.addTemplate({ maxParallelTasks: 2 });
    const [first, second] = [await bench.start(template), await bench.start(template)];
    await bench.deps.limits.set(limitOf(template), 1);
    expect(await reconcile(bench.deps)).toMatchObject({ limit_sent_back: 1 });
    expect(await demandOf(runner)).toEqual([first.id]);
    expect((await read(second)).limitedBy).toBe(template.id);
  });

  it('is left by a lost task that no runner can serve, so that others continue', async () => {
    const gone = await bench.addRunner({ tags: ['gone'], instanceId: 'i-00000000000000002' });
    await bench.instanceBecomes(gone, 'running');
    await bench.beat(gone);
    const runner = await online();
    bench.project.maxParallelTasks = 1;
    const lost = await bench.start(bench.addTemplate({ tag: 'gone' }));
    await bench.claim(gone, lost);
    const next = await bench.start(bench.addTemplate());
    await bench.deps.runners.requestDrain(gone, bench.deps.now());
    const lease = { ...bench.agentOf(gone), projectId: bench.projectId, taskId: lost.id, attempt: 1 };
    await finishTask(bench.deps, lease, { ...success, status: 'handed_back' });
    expect(await demandOf(runner)).toEqual([]);
    expect(await reconcile(bench.deps)).toMatchObject({ limit_freed: 1 });
    expect(await demandOf(runner)).toEqual([next.id]);
  });

  it('counts a task that is handed back while the limit is set', async () => {
    const runner = await online();
    const template = bench.addTemplate();
    const task = await bench.start(template);
    await bench.claim(runner, task);
    const { limits } = bench.deps;
    let isHandedBack = false;
    const count: typeof limits.count = async (...about) => {
      const lease = { ...bench.agentOf(runner), projectId: bench.projectId, taskId: task.id, attempt: 1 };
      if (!isHandedBack) await finishTask(bench.deps, lease, { ...success, status: 'handed_back' });
      isHandedBack = true;
      return limits.count(...about);
    };
    const limited = bench.change(template, { maxParallelTasks: 1 });
    await setLimit({ ...bench.deps, limits: { ...limits, count } }, limited);
    expect(await read(task)).toMatchObject({ attempt: 2, admitted: true, limits: [{ max: 1 }] });
    expect((await limits.get(limitOf(template)))?.held).toHaveLength(1);
  });

  it('is not closed to a task by a call that read it before another admitted it', async () => {
    await online();
    const task = await read(await bench.start(bench.addTemplate({ maxParallelTasks: 1 })));
    const { limits } = task;
    const late = { limits, admitted: false, limitedBy: limits?.[0]?.ownerId };
    expect(await bench.deps.tasks.limit({ ...task, admitted: undefined }, late)).toBeUndefined();
    expect((await read(task)).admitted).toBe(true);
  });

  it('is freed by the reconciler from a task that ended without leaving it', async () => {
    const runner = await online();
    const template = bench.addTemplate({ maxParallelTasks: 1 });
    const first = await bench.start(template);
    await bench.deps.tasks.stopWaiting(first, 'a function stopped here', bench.deps.now());
    // Ids contain the time of this machine.
    bench.pass(Date.now() + 120_000 - epochMs(bench.deps.now()));
    const second = await bench.start(template);
    await bench.beat(runner);
    expect(await reconcile(bench.deps)).toMatchObject({ limit_freed: 1, limit_line_called: 1 });
    expect((await read(second)).admitted).toBe(true);
  });

  it("is entered again by a task that lost its place but stayed in its runner's demand", async () => {
    const runner = await online();
    const task = await bench.start(bench.addTemplate({ maxParallelTasks: 1 }));
    const { limits } = await read(task);
    // Simulates a function that stopped here, before it took the task from its runner.
    await bench.deps.tasks.limit(await read(task), { limits, admitted: false, limitedBy: undefined });
    expect(await demandOf(runner)).toEqual([task.id]);
    expect(await bench.claim(runner, task)).toMatchObject({ ok: false });
    expect(await reconcile(bench.deps)).toMatchObject({ task_placed_again: 1 });
    expect(await bench.claim(runner, task)).toMatchObject({ ok: true });
  });

  it('is not left by a late call, after the task has entered it again', async () => {
    await online();
    const template = bench.addTemplate({ maxParallelTasks: 1 });
    const before = await read(await bench.start(template));
    const { limits } = before;
    await bench.deps.tasks.limit(before, { limits, admitted: false, limitedBy: undefined }, { leaves: true });
    await reconcile(bench.deps);
    await leaveLimits(bench.deps, before);
    await leaveLimits(bench.deps, before);
    expect(await read(before)).toMatchObject({ status: 'waiting', admitted: true });
    expect((await bench.deps.limits.get(limitOf(template)))?.held).toHaveLength(1);
  });
});
