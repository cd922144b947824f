import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runnerInput } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { reconcile } from '../reconcile.ts';
import { drain } from '../runners/heartbeat.ts';
import { putToSleep } from '../runners/power.ts';
import { aStarter, type Bench, flowBench } from '../testing.ts';
import { finishTask } from './report.ts';
import { startTask } from './start-task.ts';

let table: TestTable;
let bench: Bench;
beforeEach(async () => {
  table = await openTestTable();
  bench = flowBench(table.table);
});
afterEach(() => table?.close());

let made = 0;
const asleep = () =>
  bench.addRunner({ instanceId: `i-${String(++made).padStart(17, '0')}`, maxParallelTasks: 1 });
const online = async () => {
  const runner = await asleep();
  await bench.instanceBecomes(runner, 'running');
  await bench.beat(runner);
  return bench.reload(runner);
};
const demandOf = async (runner: RunnerRecord) => (await bench.reload(runner)).demand;
const end = (runner: RunnerRecord, { id }: { id: `tsk_${string}` }) =>
  finishTask(
    bench.deps,
    { ...bench.agentOf(runner), projectId: bench.projectId, taskId: id, attempt: 1 },
    { status: 'success', exitCode: 0, logChunks: 1, lease: '' },
  );

/** Makes two runners with a task each, and a third task that waits for the first one. */
const aTaskBehind = async () => {
  const template = bench.addTemplate();
  const [full, other] = [await online(), await online()];
  const [long, short] = [await bench.start(template), await bench.start(template)];
  await bench.claim(full, long);
  await bench.claim(other, short);
  const behind = await bench.start(template);
  const [first] = (await bench.deps.tasks.getAll([behind])).map(({ runnerId }) => runnerId);
  // Either of two equally full runners may have it assigned.
  return first === full.id
    ? { full, other, running: short, behind, template }
    : { full: other, other: full, running: long, behind, template };
};

describe('a task that waits behind a full runner', () => {
  it('is not placed there by a start whose room another start took concurrently', async () => {
    const [awake, sleeper] = [await online(), await asleep()];
    const template = bench.addTemplate();
    const { runners } = bench.deps;
    let seen: RunnerRecord[] | undefined = await runners.list(bench.projectId);
    const first = await bench.start(template);
    const list: typeof runners.list = async (pool) => {
      const listed = (pool === bench.projectId ? seen : undefined) ?? (await runners.list(pool));
      if (pool === bench.projectId) seen = undefined;
      return listed;
    };
    const deps = { ...bench.deps, runners: { ...runners, list } };
    const second = await startTask(deps, bench.projectId, { templateId: template.id }, aStarter);
    expect(await demandOf(awake)).toEqual([first.id]);
    expect(await bench.reload(sleeper)).toMatchObject({ status: 'starting', demand: [second?.id] });
    expect(bench.sent).toHaveLength(1);
  });

  it('goes to a runner that ends its last task, before that runner is put to sleep', async () => {
    const { full, other, running, behind } = await aTaskBehind();
    bench.pass(120_000);
    await end(other, running);
    expect(await demandOf(full)).toEqual([]);
    expect(await demandOf(other)).toEqual([behind.id]);
    await putToSleep(bench.deps, await bench.reload(other));
    expect(await bench.reload(other)).toMatchObject({ status: 'online' });
  });

  it('goes to a runner whose agent offers to sleep', async () => {
    const { full, other, running, behind } = await aTaskBehind();
    // Simulates a function that stopped here, before it looked for waiting tasks.
    await bench.deps.runners.releaseSlot(other, running.id, bench.deps.now(), 0);
    bench.pass(120_000);
    expect(await drain(bench.deps, bench.agentOf(other))).toEqual({ sleep: false });
    expect(await demandOf(full)).toEqual([]);
    expect(await demandOf(other)).toEqual([behind.id]);
  });

  it('stays where it is while its runner has room for it', async () => {
    const template = bench.addTemplate();
    const [awake, other] = [await online(), await online()];
    const first = await bench.start(template);
    const owing = (await demandOf(awake)).length > 0 ? awake : other;
    const idle = owing === awake ? other : awake;
    bench.pass(120_000);
    expect(await drain(bench.deps, bench.agentOf(idle))).toEqual({ sleep: true });
    expect(await demandOf(owing)).toEqual([first.id]);
  });

  it('is given by the reconciler to a runner that can be woken, and stays while there is none', async () => {
    const input = { instanceId: 'i-0000000000000000f', maxParallelTasks: 1 };
    const sleeper = await bench.addRunner({ ...input, active: false });
    const { full, behind } = await aTaskBehind();
    expect((await reconcile(bench.deps)).task_placed_again).toBeUndefined();
    expect(await demandOf(full)).toEqual([behind.id]);
    // Simulates a function that stopped here, before it placed waiting tasks.
    await bench.deps.runners.configure(sleeper, runnerInput.parse({ name: sleeper.name, ...input }));
    expect(await reconcile(bench.deps)).toMatchObject({ task_placed_again: 1 });
    expect(await demandOf(full)).toEqual([]);
    expect(await bench.reload(sleeper)).toMatchObject({ status: 'starting', demand: [behind.id] });
  });
});
