import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addMs, type Runner } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { aProjectId, aRunner, aTaskId, noon } from '../../core/testing.ts';
import { publicRunner } from './runner-record.ts';
import { type RunnerStore, runnerStore } from './runners.ts';

let table: TestTable;
let runners: RunnerStore;
beforeAll(async () => {
  table = await openTestTable();
  runners = runnerStore(table.table);
});
afterAll(() => table?.close());

const leaseUntil = addMs(noon, 60_000);

const newRunner = (overrides: Partial<Runner> = {}) => {
  const { slots: _, demand: __, ...runner } = aRunner(overrides);
  return { ...runner, tokenHash: 'hash', webhookSecret: 'whsec_x' };
};

const stored = async (overrides: Partial<Runner> = {}) => {
  const runner = newRunner(overrides);
  await runners.create(runner);
  return runner;
};

describe('the store of runners', () => {
  it("has room to change a runner's state at the maximum demand", async () => {
    const runner = await stored({ status: 'starting' });
    const demand = new Set(
      Array.from({ length: 9_999 }, (_, index) => `tsk_${String(index).padStart(26, '0')}`),
    );
    await table.table.update({ pk: aProjectId, sk: runner.id }, { add: { demand } }, []);
    const raise = (id: string) =>
      runners.raiseDemand(runner, `tsk_${id.padStart(26, '1')}`, 'starting', 'starting', noon);
    expect(await raise('1')).toBeDefined();
    expect(await raise('2')).toBeUndefined();
    expect(await raise('1')).toBeDefined();
    expect(await runners.move(runner, ['starting'], 'online', noon, { set: { leaseUntil } })).toBeDefined();
  });

  it('returns a stored runner, and shows no secret', async () => {
    const runner = await stored({ tags: ['sydney'] });
    const found = await runners.get(aProjectId, runner.id);
    expect(found).toMatchObject({
      id: runner.id,
      tags: ['sydney'],
      slots: [],
      demand: [],
      tokenHash: 'hash',
    });
    expect(found && JSON.stringify(publicRunner(found))).not.toMatch(/hash|whsec/);
  });

  it('reads an idle timeout of 60 s, the default of 0.1.0, as none, and a save removes it', async () => {
    const runner = await stored({ idleTimeoutMs: 60_000 });
    const read = await runners.get(aProjectId, runner.id);
    expect(read).toBeDefined();
    expect(read?.idleTimeoutMs).toBeUndefined();
    const { name, tags, maxParallelTasks, active } = runner;
    await runners.configure(runner, { name, tags, maxParallelTasks, active });
    const item = await table.table.get({ pk: aProjectId, sk: runner.id });
    expect(item).toMatchObject({ name });
    expect(item).not.toHaveProperty('idleTimeoutMs');
  });

  it('finds a runner of the project or of the global pool by its id', async () => {
    const own = await stored();
    const { projectId: _, ...global } = newRunner();
    await runners.create(global);
    expect((await runners.find(aProjectId, own.id))?.id).toBe(own.id);
    expect((await runners.find(aProjectId, global.id))?.id).toBe(global.id);
    expect(await runners.find('prj_01ARZ3NDEKTSV4RRFFQ69G5FAX', own.id)).toBeUndefined();
  });

  it('gives at most the existing slots, and one per task', async () => {
    const runner = await stored({ status: 'online', maxParallelTasks: 3 });
    const [first = aTaskId(), ...others] = Array.from({ length: 10 }, aTaskId);
    const taken = await Promise.all([first, ...others].map((id) => runners.takeSlot(runner, id, leaseUntil)));
    expect(taken.filter(Boolean)).toHaveLength(3);
    const held = (await runners.get(aProjectId, runner.id))?.slots ?? [];
    expect(held).toHaveLength(3);
    for (const id of held) expect((await runners.takeSlot(runner, id, leaseUntil))?.slots).toEqual(held);
  });

  it('has no limit with maxParallelTasks 0', async () => {
    const runner = await stored({ status: 'online', maxParallelTasks: 0 });
    for (const id of Array.from({ length: 5 }, aTaskId)) await runners.takeSlot(runner, id, leaseUntil);
    expect((await runners.get(aProjectId, runner.id))?.slots).toHaveLength(5);
  });

  it.each([
    { status: 'starting' },
    { status: 'draining' },
    { status: 'stopping' },
    { status: 'stopped' },
    { status: 'online', active: false },
  ] as const)('gives no slot while it is %o', async (overrides) => {
    const runner = await stored(overrides);
    expect(await runners.takeSlot(runner, aTaskId(), leaseUntil)).toBeUndefined();
  });

  it('frees a slot once, so its time is counted once', async () => {
    const runner = await stored({ status: 'online' });
    const taskId = aTaskId();
    await runners.takeSlot(runner, taskId, leaseUntil);
    expect(await runners.releaseSlot(runner, taskId, noon, 500)).toMatchObject({
      slots: [],
      busyMs: 500,
      idleSince: noon,
    });
    expect(await runners.releaseSlot(runner, taskId, noon, 500)).toBeUndefined();
  });

  it('does not revoke a slot when the lease was renewed meanwhile', async () => {
    const runner = await stored({ status: 'online' });
    const taskId = aTaskId();
    await runners.takeSlot(runner, taskId, leaseUntil);
    await runners.heartbeat(runner, noon, addMs(leaseUntil, 15_000), { agentVersion: '0.1.0' });
    expect(await runners.revokeSlot(runner, taskId, noon, leaseUntil)).toBeUndefined();
    expect(await runners.revokeSlot(runner, taskId, noon, addMs(leaseUntil, 15_000))).toMatchObject({
      slots: [],
    });
  });

  it('drains only without tasks and without demand, whichever write comes first', async () => {
    const claimedFirst = await stored({ status: 'online' });
    await runners.takeSlot(claimedFirst, aTaskId(), leaseUntil);
    expect(await runners.move(claimedFirst, ['online'], 'draining', noon, { idle: true })).toBeUndefined();

    const demandedFirst = await stored({ status: 'online' });
    await runners.raiseDemand(demandedFirst, aTaskId(), 'online', 'online', noon);
    expect(await runners.move(demandedFirst, ['online'], 'draining', noon, { idle: true })).toBeUndefined();

    const drainedFirst = await stored({ status: 'online' });
    expect(await runners.move(drainedFirst, ['online'], 'draining', noon, { idle: true })).toBeDefined();
    expect(await runners.takeSlot(drainedFirst, aTaskId(), leaseUntil)).toBeUndefined();
    expect(await runners.raiseDemand(drainedFirst, aTaskId(), 'online', 'online', noon)).toBeUndefined();
  });

  it('lists a runner as live from waking until it sleeps', async () => {
    const runner = await stored();
    const isAwake = async () => (await runners.listAwake()).some(({ id }) => id === runner.id);
    expect(await isAwake()).toBe(false);
    const taskId = aTaskId();
    await runners.raiseDemand(runner, taskId, 'stopped', 'starting', noon);
    expect(await isAwake()).toBe(true);
    await runners.dropDemand(runner, taskId);
    await runners.move(runner, ['starting'], 'stopped', noon, { idle: true });
    expect(await isAwake()).toBe(false);
  });

  it('binds an instance to one runner, and to another after its removal', async () => {
    const instanceId = 'i-00000000000000001';
    const first = await stored({ instanceId });
    const second = await stored();
    expect(await runners.bind(instanceId, first)).toBe(true);
    expect(await runners.bind(instanceId, second)).toBe(false);
    expect((await runners.findByInstance(instanceId))?.id).toBe(first.id);
    expect(await runners.remove(first)).toBe(true);
    expect(await runners.bind(instanceId, second)).toBe(true);
  });

  it('does not remove a runner that is awake or has demand', async () => {
    const online = await stored({ status: 'online' });
    expect(await runners.remove(online)).toBe(false);
    const awaited = await stored();
    await runners.raiseDemand(awaited, aTaskId(), 'stopped', 'stopped', noon);
    expect(await runners.remove(awaited)).toBe(false);
  });

  it('opens one session at a time and closes only that one', async () => {
    const runner = await stored({ status: 'online' });
    const session = { id: 'ses_01ARZ3NDEKTSV4RRFFQ69G5FAV', startedAt: noon } as const;
    const other = { ...session, id: 'ses_01ARZ3NDEKTSV4RRFFQ69G5FAX' } as const;
    expect((await runners.openSession(runner, session, 't4g.small'))?.instanceType).toBe('t4g.small');
    expect(await runners.openSession(runner, other, 't4g.small')).toBeUndefined();
    expect(await runners.closeSession(runner, other, noon)).toBeUndefined();
    const closed = await runners.closeSession(runner, session, noon);
    expect(closed).toMatchObject({ lastSessionEndedAt: noon });
    expect(closed?.session).toBeUndefined();
    expect(await runners.openSession(runner, other, 't4g.small')).toBeUndefined();
    const next = { ...other, startedAt: addMs(noon, 1000) };
    expect(await runners.openSession(runner, next, 't4g.small')).toMatchObject({ session: next });
  });
});
