import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runnerInput } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { reconcile } from '../reconcile/reconcile.ts';
import { drain } from '../runners/heartbeat.ts';
import { putToSleep } from '../runners/power.ts';
import { aStarter, type FlowFixture, flowFixture } from '../testing.ts';
import { finishTask } from './report.ts';
import { startTask } from './start-task.ts';

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
const demandOf = async (runner: RunnerRecord) => (await fixture.reload(runner)).demand;
const end = (runner: RunnerRecord, { id }: { id: `tsk_${string}` }) =>
  finishTask(
    fixture.deps,
    { ...fixture.agentOf(runner), projectId: fixture.projectId, taskId: id, attempt: 1 },
    { status: 'success', exitCode: 0, logChunks: 1, lease: '' },
  );

/** Makes two runners with a task each, and a third task that waits for the first one. */
const aTaskBehind = async () => {
  const template = fixture.addTemplate();
  const [full, other] = [await online(), await online()];
  const [long, short] = [await fixture.start(template), await fixture.start(template)];
  await fixture.claim(full, long);
  await fixture.claim(other, short);
  const behind = await fixture.start(template);
  const [first] = (await fixture.deps.tasks.getAll([behind])).map(({ runnerId }) => runnerId);
  // Either of two equally full runners may have it assigned.
  return first === full.id
    ? { full, other, running: short, behind, template }
    : { full: other, other: full, running: long, behind, template };
};

describe('a task that waits behind a full runner', () => {
  it('is not assigned there by a start whose room another start took concurrently', async () => {
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
    expect(await demandOf(awake)).toEqual([first.id]);
    expect(await fixture.reload(sleeper)).toMatchObject({ status: 'starting', demand: [second?.id] });
    expect(fixture.sent).toHaveLength(1);
  });

  it('goes to a runner that ends its last task, before that runner is put to sleep', async () => {
    const { full, other, running, behind } = await aTaskBehind();
    fixture.pass(120_000);
    await end(other, running);
    expect(await demandOf(full)).toEqual([]);
    expect(await demandOf(other)).toEqual([behind.id]);
    await putToSleep(fixture.deps, await fixture.reload(other));
    expect(await fixture.reload(other)).toMatchObject({ status: 'online' });
  });

  it('goes to a runner whose agent offers to sleep', async () => {
    const { full, other, running, behind } = await aTaskBehind();
    // Simulates a function that stopped here, before it looked for waiting tasks.
    await fixture.deps.runners.releaseSlot(other, running.id, fixture.deps.now(), 0);
    fixture.pass(120_000);
    expect(await drain(fixture.deps, fixture.agentOf(other))).toEqual({ sleep: false });
    expect(await demandOf(full)).toEqual([]);
    expect(await demandOf(other)).toEqual([behind.id]);
  });

  it('stays where it is while its runner has room for it', async () => {
    const template = fixture.addTemplate();
    const [awake, other] = [await online(), await online()];
    const first = await fixture.start(template);
    const assignee = (await demandOf(awake)).length > 0 ? awake : other;
    const idle = assignee === awake ? other : awake;
    fixture.pass(120_000);
    expect(await drain(fixture.deps, fixture.agentOf(idle))).toEqual({ sleep: true });
    expect(await demandOf(assignee)).toEqual([first.id]);
  });

  it('is given by the reconciler to a runner that can be woken, and stays while there is none', async () => {
    const input = { instanceId: 'i-0000000000000000f', maxParallelTasks: 1 };
    const sleeper = await fixture.addRunner({ ...input, active: false });
    const { full, behind } = await aTaskBehind();
    expect((await reconcile(fixture.deps)).task_placed_again).toBeUndefined();
    expect(await demandOf(full)).toEqual([behind.id]);
    // Simulates a function that stopped here, before it assigned waiting tasks.
    await fixture.deps.runners.configure(sleeper, runnerInput.parse({ name: sleeper.name, ...input }));
    expect(await reconcile(fixture.deps)).toMatchObject({ task_placed_again: 1 });
    expect(await demandOf(full)).toEqual([]);
    expect(await fixture.reload(sleeper)).toMatchObject({ status: 'starting', demand: [behind.id] });
  });
});
