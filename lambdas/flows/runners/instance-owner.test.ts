import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runnerInput } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { reconcile } from '../reconcile/reconcile.ts';
import { type FlowFixture, flowFixture } from '../testing.ts';
import { putToSleep } from './power.ts';
import { configureRunner } from './runner-setup.ts';

let table: TestTable;
let fixture: FlowFixture;
beforeEach(async () => {
  table = await openTestTable();
  fixture = flowFixture(table.table);
});
afterEach(() => table?.close());

const input = { instanceId: 'i-00000000000000001' };
const start = () => fixture.start(fixture.addTemplate());
const faultOf = async (runner: RunnerRecord) => (await fixture.reload(runner)).fault?.detail;
const save = async (runner: RunnerRecord) =>
  configureRunner(
    fixture.deps,
    await fixture.reload(runner),
    runnerInput.parse({ name: runner.name, ...input }),
  );

describe('an instance that is kept for another project', () => {
  const other = async () => {
    const runner = await fixture.addRunner(input);
    fixture.keepFor(runner, 'prj_other');
    return runner;
  };

  it('is not started, and its runner shows why', async () => {
    const runner = await other();
    await start();
    await fixture.wake(runner);
    expect(fixture.calls).toEqual([]);
    expect((await fixture.reload(runner)).fault).toMatchObject({ code: 'instance_of_another_project' });
    await reconcile(fixture.deps);
    expect(await fixture.reload(runner)).toMatchObject({ status: 'stopped' });
    expect(await faultOf(runner)).toMatch(/tag reveille:project keeps the instance for another project/);
  });

  it('is not stopped, though an agent elsewhere claims to be the runner', async () => {
    const runner = await other();
    fixture.setInstance(runner, 'running');
    await fixture.beat(runner);
    fixture.pass(60 * 60_000);
    await fixture.beat(runner);
    await putToSleep(fixture.deps, await fixture.reload(runner));
    expect((await fixture.reload(runner)).status).toBe('stopping');
    await reconcile(fixture.deps);
    expect(await fixture.reload(runner)).toMatchObject({
      status: 'stopped',
      fault: { code: 'instance_of_another_project' },
    });
    expect(fixture.calls).toEqual([]);
  });

  it("is ignored while it runs, at no cost for the runner's project", async () => {
    const runner = await other();
    fixture.setInstance(runner, 'running');
    expect(await reconcile(fixture.deps)).toEqual({});
    await fixture.instanceBecomes(runner, 'running');
    expect((await fixture.reload(runner)).session).toBeUndefined();
  });
});

describe('an instance that is kept for the project', () => {
  it('is started', async () => {
    const runner = await fixture.addRunner(input);
    fixture.keepFor(runner, fixture.projectId);
    await start();
    await fixture.wake(runner);
    expect(fixture.calls).toEqual([`start ${runner.instanceId}`]);
  });
});

describe('an instance that a registering machine named', () => {
  const selfNamed = () => fixture.addRunner(input, { instanceNamedBy: 'machine' });

  it('is started only after its confirmation, when a person has saved the runner', async () => {
    const runner = await selfNamed();
    await start();
    await fixture.wake(runner);
    await reconcile(fixture.deps);
    expect(fixture.calls).toEqual([]);
    expect(await faultOf(runner)).toMatch(/nobody has confirmed it/);
    await save(runner);
    await fixture.wake(runner);
    expect(fixture.calls).toEqual([`start ${runner.instanceId}`]);
  });

  it('is started without confirmation when it carries the tag of the project', async () => {
    const runner = await selfNamed();
    fixture.keepFor(runner, fixture.projectId);
    await start();
    await fixture.wake(runner);
    expect(fixture.calls).toEqual([`start ${runner.instanceId}`]);
  });
});
