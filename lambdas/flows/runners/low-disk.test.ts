import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { type Bench, flowBench } from '../testing.ts';
import { resumeRunner } from './owner-requests.ts';

let table: TestTable;
let bench: Bench;
beforeEach(async () => {
  table = await openTestTable();
  bench = flowBench(table.table);
});
afterEach(() => table?.close());

const shortage = { freeMiB: 50, neededMiB: 120 };

let made = 0;
const addRunner = () => bench.addRunner({ instanceId: `i-${String(++made).padStart(17, '0')}` });
type Runner = Awaited<ReturnType<typeof addRunner>>;
const online = async () => {
  const runner = await addRunner();
  await bench.instanceBecomes(runner, 'running');
  await bench.beat(runner);
  return bench.reload(runner);
};
const beatLow = (runner: Runner) => bench.beat(runner, [], undefined, shortage);
const runnerOf = async (task: { id: `tsk_${string}` }) =>
  (await bench.deps.tasks.get(bench.projectId, task.id))?.runnerId;

describe('a runner whose disk is low', () => {
  it('takes no task, and its waiting task goes to another runner', async () => {
    const runner = await online();
    const task = await bench.start(bench.addTemplate());
    expect(await runnerOf(task)).toBe(runner.id);
    const other = await online();
    expect(await beatLow(runner)).toMatchObject({ drain: true });
    expect(await runnerOf(task)).toBe(other.id);
    expect(await bench.claim(runner, task)).toEqual({ ok: false, code: 'try_later' });
    expect((await bench.reload(runner)).lowDisk).toMatchObject({ ...shortage, atStart: false });
  });

  it('gets the waiting task as soon as it has room', async () => {
    const runner = await online();
    await beatLow(runner);
    const task = await bench.start(bench.addTemplate());
    expect(await runnerOf(task)).toBeUndefined();
    expect(await bench.beat(runner)).toMatchObject({ drain: false });
    expect(await runnerOf(task)).toBe(runner.id);
    expect(await bench.claim(runner, task)).toMatchObject({ ok: true });
  });

  it('is started once more for a task, but not again when its disk is low from the start', async () => {
    const runner = await online();
    await beatLow(runner);
    const task = await bench.start(bench.addTemplate());
    await bench.instanceBecomes(runner, 'stopped');
    expect(await bench.reload(runner)).toMatchObject({ status: 'starting', demand: [task.id] });

    await beatLow(runner);
    expect(await bench.reload(runner)).toMatchObject({
      status: 'online',
      demand: [],
      lowDisk: { atStart: true },
    });
    await bench.instanceBecomes(runner, 'stopped');
    expect(await bench.reload(runner)).toMatchObject({ status: 'stopped', demand: [] });

    await resumeRunner(bench.deps, await bench.reload(runner));
    expect(await runnerOf(task)).toBe(runner.id);
  });

  it('is started once more when its agent was only cut off and not restarted', async () => {
    const runner = await bench.addRunner({ webhookUrl: 'https://elsewhere.example/' });
    await bench.beat(runner);
    const { claims } = await bench.reload(runner);
    await bench.deps.runners.leave(runner, ['online'], 'offline', bench.deps.now());
    await bench.beat(runner, [], claims, shortage);
    expect((await bench.reload(runner)).lowDisk).toMatchObject({ atStart: false });
  });
});
