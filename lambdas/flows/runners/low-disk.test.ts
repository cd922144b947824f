import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { type FlowFixture, flowFixture } from '../testing.ts';
import { resumeRunner } from './owner-requests.ts';

let table: TestTable;
let fixture: FlowFixture;
beforeEach(async () => {
  table = await openTestTable();
  fixture = flowFixture(table.table);
});
afterEach(() => table?.close());

const shortage = { freeMiB: 50, neededMiB: 120 };

let made = 0;
const addRunner = () => fixture.addRunner({ instanceId: `i-${String(++made).padStart(17, '0')}` });
type Runner = Awaited<ReturnType<typeof addRunner>>;
const online = async () => {
  const runner = await addRunner();
  await fixture.instanceBecomes(runner, 'running');
  await fixture.beat(runner);
  return fixture.reload(runner);
};
const beatLow = (runner: Runner) => fixture.beat(runner, [], undefined, shortage);
const runnerOf = async (task: { id: `tsk_${string}` }) =>
  (await fixture.deps.tasks.get(fixture.projectId, task.id))?.runnerId;

describe('a runner whose disk is low', () => {
  it('takes no task, and its waiting task goes to another runner', async () => {
    const runner = await online();
    const task = await fixture.start(fixture.addTemplate());
    expect(await runnerOf(task)).toBe(runner.id);
    const other = await online();
    expect(await beatLow(runner)).toMatchObject({ drain: true });
    expect(await runnerOf(task)).toBe(other.id);
    expect(await fixture.claim(runner, task)).toEqual({ ok: false, code: 'try_later' });
    expect((await fixture.reload(runner)).lowDisk).toMatchObject({ ...shortage, atStart: false });
  });

  it('gets the waiting task as soon as it has room', async () => {
    const runner = await online();
    await beatLow(runner);
    const task = await fixture.start(fixture.addTemplate());
    expect(await runnerOf(task)).toBeUndefined();
    expect(await fixture.beat(runner)).toMatchObject({ drain: false });
    expect(await runnerOf(task)).toBe(runner.id);
    expect(await fixture.claim(runner, task)).toMatchObject({ ok: true });
  });

  it('is started once more for a task, but not again when its disk is low from the start', async () => {
    const runner = await online();
    await beatLow(runner);
    const task = await fixture.start(fixture.addTemplate());
    await fixture.instanceBecomes(runner, 'stopped');
    expect(await fixture.reload(runner)).toMatchObject({ status: 'starting', assigned: [task.id] });

    await beatLow(runner);
    expect(await fixture.reload(runner)).toMatchObject({
      status: 'online',
      assigned: [],
      lowDisk: { atStart: true },
    });
    await fixture.instanceBecomes(runner, 'stopped');
    expect(await fixture.reload(runner)).toMatchObject({ status: 'stopped', assigned: [] });

    await resumeRunner(fixture.deps, await fixture.reload(runner));
    expect(await runnerOf(task)).toBe(runner.id);
  });

  it('is started once more when its agent was only cut off and not restarted', async () => {
    const runner = await fixture.addRunner({ webhookUrl: 'https://elsewhere.example/' });
    await fixture.beat(runner);
    const { claims } = await fixture.reload(runner);
    await fixture.deps.runners.leave(runner, ['online'], 'offline', fixture.deps.now());
    await fixture.beat(runner, [], claims, shortage);
    expect((await fixture.reload(runner)).lowDisk).toMatchObject({ atStart: false });
  });
});
