import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { reconcile } from '../reconcile.ts';
import { type Bench, flowBench } from '../testing.ts';
import { followEvent, instanceWarnings } from './instance-event.ts';

let table: TestTable;
let bench: Bench;
beforeEach(async () => {
  table = await openTestTable();
  bench = flowBench(table.table);
});
afterEach(() => table?.close());

const spot = 'i-00000000000000001';
const stateChange = 'EC2 Instance State-change Notification';
const event = (kind: string, state?: string) => ({
  time: bench.deps.now(),
  'detail-type': kind,
  detail: { 'instance-id': spot, ...(state && { state }) },
});

describe('an event of EC2', () => {
  it.each(instanceWarnings)('drains the runner, and moves its waiting task: %s', async (kind) => {
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

  it.each(instanceWarnings)('does not drain the runner after its next start: %s', async (kind) => {
    const runner = await bench.addRunner({ instanceId: spot });
    const late = event(kind);
    bench.pass(60_000);
    bench.setInstance(runner, 'running', bench.deps.now());
    await followEvent(bench.deps, event(stateChange, 'running'));
    await bench.beat(runner);
    await followEvent(bench.deps, late);
    expect((await bench.reload(runner)).drainRequestedAt).toBeUndefined();
  });

  it('is ignored as a stop before the launch that EC2 describes', async () => {
    const runner = await bench.addRunner({ instanceId: spot });
    bench.setInstance(runner, 'running', bench.deps.now());
    await followEvent(bench.deps, event(stateChange, 'stopped'));
    expect((await bench.reload(runner)).status).toBe('starting');
  });

  it('ends the session as a stop, at its own time, though EC2 still describes it as running', async () => {
    const runner = await bench.addRunner({ instanceId: spot, idleTimeoutMs: 0 });
    bench.setInstance(runner, 'running', bench.deps.now());
    await followEvent(bench.deps, event(stateChange, 'running'));
    await bench.beat(runner);
    bench.pass(90_000);
    const stopped = event(stateChange, 'stopped');
    bench.pass(3000);
    await followEvent(bench.deps, stopped);
    const now = await bench.reload(runner);
    expect(now).toMatchObject({ status: 'stopped', lastSessionEndedAt: stopped.time });
    expect(now.session).toBeUndefined();
  });

  it('restarts the runner for new work as a stop that EC2 does not describe yet', async () => {
    const runner = await bench.addRunner({ instanceId: spot, idleTimeoutMs: 0 });
    bench.setInstance(runner, 'running', bench.deps.now());
    await followEvent(bench.deps, event(stateChange, 'running'));
    await bench.beat(runner);
    bench.pass(90_000);
    await followEvent(bench.deps, event(stateChange, 'stopping'));
    const task = await bench.start(bench.addTemplate());
    expect(await bench.reload(runner)).toMatchObject({ status: 'stopping', demand: [task.id] });
    bench.pass(1000);
    await followEvent(bench.deps, event(stateChange, 'stopped'));
    expect((await bench.reload(runner)).status).toBe('starting');
    expect(bench.calls).toEqual([`start ${spot}`]);
  });

  it('still counts as a stop when EC2 describes the instance as running in the next pass', async () => {
    const runner = await bench.addRunner({ instanceId: spot, idleTimeoutMs: 0 });
    bench.setInstance(runner, 'running', bench.deps.now());
    await followEvent(bench.deps, event(stateChange, 'running'));
    await bench.beat(runner);
    bench.pass(90_000);
    await followEvent(bench.deps, event(stateChange, 'stopped'));
    bench.pass(10_000);
    await reconcile(bench.deps);
    expect((await bench.reload(runner)).status).toBe('stopped');
    expect(bench.calls).toEqual([]);
  });

  describe('of a running instance', () => {
    const running = async () => {
      const runner = await bench.addRunner({ instanceId: spot });
      bench.setInstance(runner, 'running', bench.deps.now());
      bench.pass(14_000);
      return { runner, told: event(stateChange, 'running') };
    };

    it('starts the bill of the session at its own time, however late it arrives', async () => {
      const { runner, told } = await running();
      bench.pass(9000);
      await followEvent(bench.deps, told);
      expect((await bench.reload(runner)).session).toMatchObject({ runningAt: told.time });
    });

    it('is recorded once in a session that the reconciler has opened', async () => {
      const { runner, told } = await running();
      await reconcile(bench.deps);
      const { session } = await bench.reload(runner);
      expect(session).toMatchObject({ id: expect.any(String) });
      expect(session?.runningAt).toBeUndefined();
      await followEvent(bench.deps, told);
      await followEvent(bench.deps, { ...told, time: bench.deps.now() });
      expect((await bench.reload(runner)).session).toEqual({ ...session, runningAt: told.time });
    });

    it('is ignored when it belongs to an earlier launch', async () => {
      const { runner, told } = await running();
      bench.pass(60_000);
      bench.setInstance(runner, 'running', bench.deps.now());
      await followEvent(bench.deps, told);
      const { session } = await bench.reload(runner);
      expect(session).toMatchObject({ startedAt: bench.deps.now() });
      expect(session?.runningAt).toBeUndefined();
    });
  });

  it('changes nothing for an instance without a runner', async () => {
    await followEvent(bench.deps, event('EC2 Instance Rebalance Recommendation'));
  });
});
