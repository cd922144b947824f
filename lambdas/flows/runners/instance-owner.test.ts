import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runnerInput } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { reconcile } from '../reconcile.ts';
import { type Bench, flowBench } from '../testing.ts';
import { putToSleep } from './power.ts';
import { configureRunner } from './runner-setup.ts';

let table: TestTable;
let bench: Bench;
beforeEach(async () => {
  table = await openTestTable();
  bench = flowBench(table.table);
});
afterEach(() => table?.close());

const input = { instanceId: 'i-00000000000000001' };
const start = () => bench.start(bench.addTemplate());
const faultOf = async (runner: RunnerRecord) => (await bench.reload(runner)).fault?.detail;
const save = async (runner: RunnerRecord) =>
  configureRunner(bench.deps, await bench.reload(runner), runnerInput.parse({ name: runner.name, ...input }));

describe('an instance that is kept for another project', () => {
  const other = async () => {
    const runner = await bench.addRunner(input);
    bench.keepFor(runner, 'prj_other');
    return runner;
  };

  it('is not started, and its runner shows why', async () => {
    const runner = await other();
    await start();
    await bench.wake(runner);
    expect(bench.calls).toEqual([]);
    expect((await bench.reload(runner)).fault).toMatchObject({ code: 'instance_of_another_project' });
    await reconcile(bench.deps);
    expect(await bench.reload(runner)).toMatchObject({ status: 'stopped' });
    expect(await faultOf(runner)).toMatch(/tag reveille:project keeps the instance for another project/);
  });

  it('is not stopped, though an agent elsewhere claims to be the runner', async () => {
    const runner = await other();
    bench.setInstance(runner, 'running');
    await bench.beat(runner);
    bench.pass(60 * 60_000);
    await bench.beat(runner);
    await putToSleep(bench.deps, await bench.reload(runner));
    expect((await bench.reload(runner)).status).toBe('stopping');
    await reconcile(bench.deps);
    expect(await bench.reload(runner)).toMatchObject({
      status: 'stopped',
      fault: { code: 'instance_of_another_project' },
    });
    expect(bench.calls).toEqual([]);
  });

  it("is ignored while it runs, at no cost for the runner's project", async () => {
    const runner = await other();
    bench.setInstance(runner, 'running');
    expect(await reconcile(bench.deps)).toEqual({});
    await bench.instanceBecomes(runner, 'running');
    expect((await bench.reload(runner)).session).toBeUndefined();
  });
});

describe('an instance that is kept for the project', () => {
  it('is started', async () => {
    const runner = await bench.addRunner(input);
    bench.keepFor(runner, bench.projectId);
    await start();
    await bench.wake(runner);
    expect(bench.calls).toEqual([`start ${runner.instanceId}`]);
  });
});

describe('an instance that a registering machine named', () => {
  const selfNamed = () => bench.addRunner(input, { instanceNamedBy: 'machine' });

  it('is started only after its confirmation, when a person has saved the runner', async () => {
    const runner = await selfNamed();
    await start();
    await bench.wake(runner);
    await reconcile(bench.deps);
    expect(bench.calls).toEqual([]);
    expect(await faultOf(runner)).toMatch(/nobody has confirmed it/);
    await save(runner);
    await bench.wake(runner);
    expect(bench.calls).toEqual([`start ${runner.instanceId}`]);
  });

  it('is started without confirmation when it carries the tag of the project', async () => {
    const runner = await selfNamed();
    bench.keepFor(runner, bench.projectId);
    await start();
    await bench.wake(runner);
    expect(bench.calls).toEqual([`start ${runner.instanceId}`]);
  });
});
