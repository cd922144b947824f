import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runnerInput } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { inLineOf } from '../../core/tasks/order.ts';
import { projectQueue } from '../../core/tasks/routing.ts';
import { reconcile } from '../reconcile/reconcile.ts';
import { drain } from '../runners/heartbeat.ts';
import { putToSleep } from '../runners/power.ts';
import { configureRunner } from '../runners/runner-setup.ts';
import { aStarter, type FlowFixture, flowFixture } from '../testing.ts';
import { claimTask } from './claim.ts';
import { finishTask } from './report.ts';
import { startTask, stopTask } from './start-task.ts';

let table: TestTable;
let fixture: FlowFixture;
beforeEach(async () => {
  table = await openTestTable();
  fixture = flowFixture(table.table);
});
afterEach(() => table?.close());

let made = 0;
const asleep = () =>
  fixture.addRunner({ instanceId: `i-${String(++made).padStart(17, '0')}`, maxParallelTasks: 1 });
const online = async () => {
  const runner = await asleep();
  await fixture.instanceBecomes(runner, 'running');
  await fixture.beat(runner);
  return fixture.reload(runner);
};
const assignedTo = async (runner: RunnerRecord) => (await fixture.reload(runner)).assigned;
const end = (runner: RunnerRecord, { id }: { id: `tsk_${string}` }, deps = fixture.deps) =>
  finishTask(
    deps,
    { ...fixture.agentOf(runner), projectId: fixture.projectId, taskId: id, attempt: 1 },
    { status: 'success', exitCode: 0, logChunks: 1, lease: '' },
  );

const lineOf = async (queue = projectQueue(fixture.projectId)) =>
  (await fixture.deps.lines.first(queue, undefined, 10)).map(({ id }) => id);
const runnerOf = async ({ id }: { id: string }) =>
  (await fixture.deps.tasks.get(fixture.projectId, id))?.runnerId;

/** Makes two runners with a task each, and a third task in line. */
const aTaskInLine = async () => {
  const template = fixture.addTemplate();
  const [full, other] = [await online(), await online()];
  const [long, running] = [await fixture.start(template), await fixture.start(template)];
  await fixture.claim(full, long);
  await fixture.claim(other, running);
  const next = await fixture.start(template);
  return { full, other, running, next, template };
};

describe('a task without a free slot', () => {
  it('waits in line, assigned to nobody and without a doorbell', async () => {
    const { next } = await aTaskInLine();
    expect(await lineOf()).toEqual([next.id]);
    expect(await runnerOf(next)).toBeUndefined();
    expect(fixture.rung.map(({ doorbell }) => 'taskId' in doorbell && doorbell.taskId)).not.toContain(
      next.id,
    );
  });

  it('leaves no entry when a trigger is delivered again after the task has ended', async () => {
    const { next, template } = await aTaskInLine();
    await stopTask(fixture.deps, next, 'Ada');
    const input = { templateId: template.id };
    await startTask(fixture.deps, fixture.projectId, input, aStarter, next.id);
    expect(await lineOf()).toEqual([]);
  });

  it('is given the second of two slots that come free at the same moment', async () => {
    const { full, other, running, next, template } = await aTaskInLine();
    const second = await fixture.start(template);
    const [long] = (await fixture.reload(full)).slots;
    if (!long) throw new Error('The runner has no task');
    await Promise.all([end(full, { id: long }), end(other, running)]);
    expect([...(await assignedTo(full)), ...(await assignedTo(other))].sort()).toEqual(
      [next.id, second.id].sort(),
    );
    expect(await lineOf()).toEqual([]);
  });

  it('is given a slot that came free between its look and its entry in the line', async () => {
    const { other, running, template } = await aTaskInLine();
    const { lines } = fixture.deps;
    // The other function has found nobody in line by then.
    const join: typeof lines.join = async (queue, task) => {
      await fixture.deps.runners.releaseSlot(other, running, fixture.deps.now(), 0);
      return lines.join(queue, task);
    };
    const deps = { ...fixture.deps, lines: { ...lines, join } };
    const late = await startTask(deps, fixture.projectId, { templateId: template.id }, aStarter);
    expect(await assignedTo(other)).toEqual([late?.id]);
  });

  it('keeps a runner on that is about to be stopped, when the answer that named it was lost', async () => {
    const { other, running, next } = await aTaskInLine();
    await end(other, running, { ...fixture.deps, lines: { ...fixture.deps.lines, first: async () => [] } });
    await putToSleep(fixture.deps, await fixture.reload(other));
    expect(await fixture.reload(other)).toMatchObject({ status: 'online' });
    expect(fixture.calls.filter((call) => call.startsWith('stop'))).toEqual([]);
    await reconcile(fixture.deps);
    expect(await assignedTo(other)).toEqual([next.id]);
  });

  it('is claimed before a later one that rings, when all that the index shows have started', async () => {
    const { other, running, next, template } = await aTaskInLine();
    await fixture.deps.runners.releaseSlot(other, running, fixture.deps.now(), 0);
    const late = await fixture.start(template);
    expect(await assignedTo(other)).toEqual([late.id]);
    const started = { projectId: fixture.projectId, id: running.id, rank: '' };
    const tasks = { ...fixture.deps.tasks, line: async () => Array(10).fill(started) };
    const ring = { projectId: fixture.projectId, taskId: late.id };
    const claimed = await claimTask({ ...fixture.deps, tasks }, fixture.agentOf(other), ring);
    expect(claimed).toMatchObject({ claim: { taskId: next.id } });
  });

  it('leaves the line when it is stopped', async () => {
    const { next } = await aTaskInLine();
    await stopTask(fixture.deps, next, 'Ada');
    expect(await lineOf()).toEqual([]);
  });

  it('is given the slot of an assigned task that is stopped', async () => {
    const sleeper = await asleep();
    const template = fixture.addTemplate();
    const [first, next] = [await fixture.start(template), await fixture.start(template)];
    expect(await lineOf()).toEqual([next.id]);
    await stopTask(fixture.deps, first, 'Ada');
    expect(await assignedTo(sleeper)).toEqual([next.id]);
    expect(await lineOf()).toEqual([]);
  });

  it('is overtaken by a task of a higher priority, which is assigned first', async () => {
    const { other, running, next } = await aTaskInLine();
    const urgent = await fixture.start(fixture.addTemplate({ priority: 5 }));
    expect(await lineOf()).toEqual([urgent.id, next.id]);
    await end(other, running);
    expect(await assignedTo(other)).toEqual([urgent.id]);
    expect(await lineOf()).toEqual([next.id]);
  });

  it('is not blocked by entries of tasks that have ended, which are removed', async () => {
    const { other, running, next } = await aTaskInLine();
    const ended = await fixture.start(fixture.addTemplate({ priority: 5 }));
    // Simulates a function that stopped here, before it removed the entry.
    await fixture.deps.tasks.stopWaiting(ended, 'enough', fixture.deps.now());
    await end(other, running);
    expect(await assignedTo(other)).toEqual([next.id]);
    expect(await lineOf()).toEqual([]);
  });

  it('goes with the project: to its first own runner, out of the global line, and back', async () => {
    const task = await fixture.start(fixture.addTemplate());
    expect(await fixture.deps.lines.first('global', fixture.projectId, 10)).toHaveLength(1);
    const own = await fixture.addRunner({ maxParallelTasks: 1 });
    expect(await lineOf()).toEqual([task.id]);
    expect(await fixture.deps.lines.first('global', fixture.projectId, 10)).toEqual([]);
    await configureRunner(fixture.deps, own, runnerInput.parse({ name: own.name, active: false }));
    expect(await lineOf()).toEqual([]);
    expect(await fixture.deps.lines.first('global', fixture.projectId, 10)).toHaveLength(1);
  });

  it('is not assigned by a start whose room another start took concurrently', async () => {
    const [awake, sleeper] = [await online(), await asleep()];
    const template = fixture.addTemplate();
    const { runners } = fixture.deps;
    let seen: RunnerRecord[] | undefined = await runners.list(fixture.projectId);
    const first = await fixture.start(template);
    const list: typeof runners.list = async (pool) => {
      const listed = (pool === fixture.projectId ? seen : undefined) ?? (await runners.list(pool));
      if (pool === fixture.projectId) seen = undefined;
      return listed;
    };
    const deps = { ...fixture.deps, runners: { ...runners, list } };
    const second = await startTask(deps, fixture.projectId, { templateId: template.id }, aStarter);
    expect(await assignedTo(awake)).toEqual([first.id]);
    expect(await fixture.reload(sleeper)).toMatchObject({ status: 'starting', assigned: [second?.id] });
    expect(fixture.sent).toHaveLength(1);
  });

  it('goes to a runner that ends its last task, before that runner is put to sleep', async () => {
    const { other, running, next } = await aTaskInLine();
    fixture.pass(120_000);
    await end(other, running);
    expect(await assignedTo(other)).toEqual([next.id]);
    expect(await lineOf()).toEqual([]);
    await putToSleep(fixture.deps, await fixture.reload(other));
    expect(await fixture.reload(other)).toMatchObject({ status: 'online' });
  });

  it('goes to a runner whose agent offers to sleep', async () => {
    const { other, running, next } = await aTaskInLine();
    // Simulates a function that stopped here, before it looked at the line.
    await fixture.deps.runners.releaseSlot(other, running, fixture.deps.now(), 0);
    fixture.pass(120_000);
    expect(await drain(fixture.deps, fixture.agentOf(other))).toMatchObject({
      sleep: false,
      next: { taskId: next.id },
    });
    expect(await assignedTo(other)).toEqual([next.id]);
  });

  it('stays where it is while its runner has room for it', async () => {
    const template = fixture.addTemplate();
    const [awake, other] = [await online(), await online()];
    const first = await fixture.start(template);
    const assignee = (await assignedTo(awake)).length > 0 ? awake : other;
    const idle = assignee === awake ? other : awake;
    fixture.pass(120_000);
    expect(await drain(fixture.deps, fixture.agentOf(idle))).toEqual({ sleep: true });
    expect(await assignedTo(assignee)).toEqual([first.id]);
  });

  it('is given by the reconciler to a runner that can be woken, and stays while there is none', async () => {
    const input = { instanceId: 'i-0000000000000000f', maxParallelTasks: 1 };
    const sleeper = await fixture.addRunner({ ...input, active: false });
    const { next } = await aTaskInLine();
    expect((await reconcile(fixture.deps)).task_placed_again).toBeUndefined();
    expect(await lineOf()).toEqual([next.id]);
    // Simulates a function that stopped here, before it assigned waiting tasks.
    await fixture.deps.runners.configure(sleeper, runnerInput.parse({ name: sleeper.name, ...input }));
    expect(await reconcile(fixture.deps)).toMatchObject({ task_placed_again: 1 });
    expect(await lineOf()).toEqual([]);
    expect(await fixture.reload(sleeper)).toMatchObject({ status: 'starting', assigned: [next.id] });
  });
});

describe('a runner of 0.1.0, whose item had all tasks that waited for it', () => {
  it.each(['asleep', 'online'])('that is %s loses none of them, and gets them in order', async (status) => {
    const template = fixture.addTemplate();
    const runner = status === 'online' ? await online() : await asleep();
    const tasks = [];
    for (let count = 0; count < 5; count++) tasks.push(await fixture.start(template));
    const ids = tasks.map(({ id }) => id);
    const key = { pk: fixture.projectId, sk: runner.id };
    for (const task of tasks) {
      await fixture.deps.lines.leave(projectQueue(fixture.projectId), inLineOf(task));
      const asBefore = { runnerId: runner.id, assignedAt: fixture.deps.now() };
      await table.table.update({ pk: fixture.projectId, sk: task.id }, { set: asBefore }, []);
    }
    const set = { demand: new Set(ids), status: status === 'online' ? 'online' : 'stopped' };
    await table.table.update(key, { set, unset: ['assigned', 'places'] }, []);

    await reconcile(fixture.deps);
    expect(await assignedTo(runner)).toEqual(ids.slice(0, 1));
    expect(await lineOf()).toEqual(ids.slice(1));
    expect(await table.table.get(key)).not.toHaveProperty('demand');
    if (status === 'asleep') {
      await fixture.instanceBecomes(runner, 'running');
      await fixture.beat(runner);
    }
    for (const task of tasks) {
      expect(await assignedTo(runner)).toEqual([task.id]);
      await fixture.claim(runner, task);
      await end(runner, task);
    }
  });
});
