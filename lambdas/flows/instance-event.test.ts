import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestTable, type TestTable } from '../../test/dynamodb.ts';
import { followEvent, instanceWarnings } from './instance-event.ts';
import { type Bench, flowBench } from './testing.ts';

let table: TestTable;
let bench: Bench;
beforeEach(async () => {
  table = await openTestTable();
  bench = flowBench(table.table);
});
afterEach(() => table.close());

const spot = 'i-00000000000000001';
const event = (kind: string, state?: string) => ({
  time: bench.deps.now(),
  'detail-type': kind,
  detail: { 'instance-id': spot, ...(state && { state }) },
});

describe('an event of EC2', () => {
  it.each(instanceWarnings)('%s drains the runner, whose waiting task goes to another', async (kind) => {
    const runner = await bench.addRunner({ instanceId: spot });
    await bench.instanceBecomes(runner, 'running');
    await bench.beat(runner);
    const other = await bench.addRunner({ instanceId: 'i-00000000000000002' });
    const task = await bench.start(bench.addTemplate());
    expect((await bench.reload(runner)).demand).toEqual([task.id]);
    await followEvent(bench.deps, event(kind));
    expect((await bench.reload(runner)).drainRequestedAt).toBeDefined();
    expect((await bench.reload(other)).demand).toEqual([task.id]);
    expect((await bench.beat(runner))?.drain).toBe(true);
  });

  it('of a state is checked with EC2 before it is believed', async () => {
    const runner = await bench.addRunner({ instanceId: spot });
    bench.setInstance(runner, 'running');
    await followEvent(bench.deps, event('EC2 Instance State-change Notification', 'stopped'));
    expect((await bench.reload(runner)).status).toBe('starting');
  });

  it('of an instance that is nobody’s changes nothing', async () => {
    await followEvent(bench.deps, event('EC2 Instance Rebalance Recommendation'));
  });
});
