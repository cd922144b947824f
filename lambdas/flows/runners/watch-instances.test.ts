import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { reconcile } from '../reconcile/reconcile.ts';
import { type FlowFixture, flowFixture } from '../testing.ts';

let table: TestTable;
let fixture: FlowFixture;
beforeEach(async () => {
  table = await openTestTable();
  fixture = flowFixture(table.table);
});
afterEach(() => table?.close());

const addRunner = () => fixture.addRunner({ instanceId: 'i-00000000000000001' });
const online = async () => {
  const runner = await addRunner();
  await fixture.instanceBecomes(runner, 'running');
  await fixture.beat(runner);
  return fixture.reload(runner);
};

describe('an instance that is on', () => {
  it('is watched again though its runner counts as asleep, and stops without work', async () => {
    const runner = await addRunner();
    fixture.setInstance(runner, 'running');
    expect(await reconcile(fixture.deps)).toEqual({ forgotten_instance: 1 });
    expect(await fixture.reload(runner)).toMatchObject({ status: 'starting', session: {} });
    expect(await reconcile(fixture.deps)).toEqual({ unwanted_runner_stopped: 1 });
    expect(fixture.calls).toEqual([`stop ${runner.instanceId}`]);
  });

  it('is left alone without a runner, as it may soon become one', async () => {
    const runner = await addRunner();
    fixture.setInstance(runner, 'running');
    await fixture.deps.runners.remove(runner);
    expect(await reconcile(fixture.deps)).toEqual({});
    expect(fixture.calls).toEqual([]);
  });
});

describe('an instance that fails a status check', () => {
  it('drains its runner once, and moves the waiting tasks', async () => {
    const runner = await online();
    const task = await fixture.start(fixture.addTemplate());
    const other = await fixture.addRunner({ instanceId: 'i-00000000000000002' });
    fixture.impair(runner);
    expect(await reconcile(fixture.deps)).toMatchObject({ impaired_instance_drained: 1 });
    expect((await fixture.reload(runner)).drainRequestedAt).toBeDefined();
    expect((await fixture.reload(other)).assigned).toEqual([task.id]);
    expect(await reconcile(fixture.deps)).not.toHaveProperty('impaired_instance_drained');
  });
});
