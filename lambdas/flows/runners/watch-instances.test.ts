import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { reconcile } from '../reconcile.ts';
import { type Bench, flowBench } from '../testing.ts';

let table: TestTable;
let bench: Bench;
beforeEach(async () => {
  table = await openTestTable();
  bench = flowBench(table.table);
});
afterEach(() => table?.close());

const addRunner = () => bench.addRunner({ instanceId: 'i-00000000000000001' });
const online = async () => {
  const runner = await addRunner();
  await bench.instanceBecomes(runner, 'running');
  await bench.beat(runner);
  return bench.reload(runner);
};

describe('an instance that is on', () => {
  it('is watched again though its runner counts as asleep, and stops without work', async () => {
    const runner = await addRunner();
    bench.setInstance(runner, 'running');
    expect(await reconcile(bench.deps)).toEqual({ forgotten_instance: 1 });
    expect(await bench.reload(runner)).toMatchObject({ status: 'starting', session: {} });
    expect(await reconcile(bench.deps)).toEqual({ unwanted_runner_stopped: 1 });
    expect(bench.calls).toEqual([`stop ${runner.instanceId}`]);
  });

  it('is left alone without a runner, as it may soon become one', async () => {
    const runner = await addRunner();
    bench.setInstance(runner, 'running');
    await bench.deps.runners.remove(runner);
    expect(await reconcile(bench.deps)).toEqual({});
    expect(bench.calls).toEqual([]);
  });
});

describe('an instance that fails a status check', () => {
  it('drains its runner once, and moves the waiting tasks', async () => {
    const runner = await online();
    const task = await bench.start(bench.addTemplate());
    const other = await bench.addRunner({ instanceId: 'i-00000000000000002' });
    bench.impair(runner);
    expect(await reconcile(bench.deps)).toMatchObject({ impaired_instance_drained: 1 });
    expect((await bench.reload(runner)).drainRequestedAt).toBeDefined();
    expect((await bench.reload(other)).demand).toEqual([task.id]);
    expect(await reconcile(bench.deps)).not.toHaveProperty('impaired_instance_drained');
  });
});
