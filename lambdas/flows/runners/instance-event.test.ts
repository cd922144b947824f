import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { reconcile } from '../reconcile/reconcile.ts';
import { type FlowFixture, flowFixture } from '../testing.ts';
import { followEvent, instanceWarnings } from './instance-event.ts';

let table: TestTable;
let fixture: FlowFixture;
beforeEach(async () => {
  table = await openTestTable();
  fixture = flowFixture(table.table);
});
afterEach(() => table?.close());

const spot = 'i-00000000000000001';
const stateChange = 'EC2 Instance State-change Notification';
const event = (kind: string, state?: string) => ({
  time: fixture.deps.now(),
  'detail-type': kind,
  detail: { 'instance-id': spot, state },
});

describe('an event of EC2', () => {
  it.each(instanceWarnings)('drains the runner, and moves its waiting task: %s', async (kind) => {
    const runner = await fixture.addRunner({ instanceId: spot });
    await fixture.instanceBecomes(runner, 'running');
    await fixture.beat(runner);
    const other = await fixture.addRunner({ instanceId: 'i-00000000000000002' });
    const task = await fixture.start(fixture.addTemplate());
    expect((await fixture.reload(runner)).assigned).toEqual([task.id]);
    await followEvent(fixture.deps, event(kind));
    expect((await fixture.reload(runner)).drainRequestedAt).toBeDefined();
    expect((await fixture.reload(other)).assigned).toEqual([task.id]);
    expect((await fixture.beat(runner))?.drain).toBe(true);
  });

  it.each(instanceWarnings)('does not drain the runner after its next start: %s', async (kind) => {
    const runner = await fixture.addRunner({ instanceId: spot });
    const late = event(kind);
    fixture.pass(60_000);
    fixture.setInstance(runner, 'running', fixture.deps.now());
    await followEvent(fixture.deps, event(stateChange, 'running'));
    await fixture.beat(runner);
    await followEvent(fixture.deps, late);
    expect((await fixture.reload(runner)).drainRequestedAt).toBeUndefined();
  });

  it('is ignored as a stop before the launch that EC2 describes', async () => {
    const runner = await fixture.addRunner({ instanceId: spot });
    fixture.setInstance(runner, 'running', fixture.deps.now());
    await followEvent(fixture.deps, event(stateChange, 'stopped'));
    expect((await fixture.reload(runner)).status).toBe('starting');
  });

  it('ends the session as a stop, at its own time, though EC2 still describes it as running', async () => {
    const runner = await fixture.addRunner({ instanceId: spot, idleTimeoutMs: 0 });
    fixture.setInstance(runner, 'running', fixture.deps.now());
    await followEvent(fixture.deps, event(stateChange, 'running'));
    await fixture.beat(runner);
    fixture.pass(90_000);
    const stopped = event(stateChange, 'stopped');
    fixture.pass(3000);
    await followEvent(fixture.deps, stopped);
    const now = await fixture.reload(runner);
    expect(now).toMatchObject({ status: 'stopped', lastSessionEndedAt: stopped.time });
    expect(now.session).toBeUndefined();
  });

  it('restarts the runner for new work as a stop that EC2 does not describe yet', async () => {
    const runner = await fixture.addRunner({ instanceId: spot, idleTimeoutMs: 0 });
    fixture.setInstance(runner, 'running', fixture.deps.now());
    await followEvent(fixture.deps, event(stateChange, 'running'));
    await fixture.beat(runner);
    fixture.pass(90_000);
    await followEvent(fixture.deps, event(stateChange, 'stopping'));
    const task = await fixture.start(fixture.addTemplate());
    expect(await fixture.reload(runner)).toMatchObject({ status: 'stopping', assigned: [task.id] });
    fixture.pass(1000);
    await followEvent(fixture.deps, event(stateChange, 'stopped'));
    expect((await fixture.reload(runner)).status).toBe('starting');
    expect(fixture.calls).toEqual([`start ${spot}`]);
  });

  it('still counts as a stop when EC2 describes the instance as running in the next pass', async () => {
    const runner = await fixture.addRunner({ instanceId: spot, idleTimeoutMs: 0 });
    fixture.setInstance(runner, 'running', fixture.deps.now());
    await followEvent(fixture.deps, event(stateChange, 'running'));
    await fixture.beat(runner);
    fixture.pass(90_000);
    await followEvent(fixture.deps, event(stateChange, 'stopped'));
    fixture.pass(10_000);
    await reconcile(fixture.deps);
    expect((await fixture.reload(runner)).status).toBe('stopped');
    expect(fixture.calls).toEqual([]);
  });

  describe('of a running instance', () => {
    const running = async () => {
      const runner = await fixture.addRunner({ instanceId: spot });
      fixture.setInstance(runner, 'running', fixture.deps.now());
      fixture.pass(14_000);
      return { runner, told: event(stateChange, 'running') };
    };

    it('starts the bill of the session at its own time, however late it arrives', async () => {
      const { runner, told } = await running();
      fixture.pass(9000);
      await followEvent(fixture.deps, told);
      expect((await fixture.reload(runner)).session).toMatchObject({ runningAt: told.time });
    });

    it('is recorded once in a session that the reconciler has opened', async () => {
      const { runner, told } = await running();
      await reconcile(fixture.deps);
      const { session } = await fixture.reload(runner);
      expect(session).toMatchObject({ id: expect.any(String) });
      expect(session?.runningAt).toBeUndefined();
      await followEvent(fixture.deps, told);
      await followEvent(fixture.deps, { ...told, time: fixture.deps.now() });
      expect((await fixture.reload(runner)).session).toEqual({ ...session, runningAt: told.time });
    });

    it('is ignored when it belongs to an earlier launch', async () => {
      const { runner, told } = await running();
      fixture.pass(60_000);
      fixture.setInstance(runner, 'running', fixture.deps.now());
      await followEvent(fixture.deps, told);
      const { session } = await fixture.reload(runner);
      expect(session).toMatchObject({ startedAt: fixture.deps.now() });
      expect(session?.runningAt).toBeUndefined();
    });
  });

  it('changes nothing for an instance without a runner', async () => {
    await followEvent(fixture.deps, event('EC2 Instance Rebalance Recommendation'));
  });
});
