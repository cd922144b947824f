import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addMs, type Runner } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { aProjectId, aRunner, aTaskId, noon } from '../../core/testing.ts';
import { publicRunner, type TaskRef } from './runner-record.ts';
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
  const { slots: _, assigned: __, ...runner } = aRunner(overrides);
  return { ...runner, tokenHash: 'hash', webhookSecret: 'whsec_x' };
};

const stored = async (overrides: Partial<Runner> = {}) => {
  const runner = newRunner(overrides);
  await runners.create(runner);
  return runner;
};

const aRef = (): TaskRef => ({ projectId: aProjectId, id: aTaskId() });

describe('the store of runners', () => {
  it.each([
    { maxParallelTasks: 2, most: 2 },
    { maxParallelTasks: 0, most: 50 },
  ])('is assigned $most tasks with maxParallelTasks $maxParallelTasks, each once', async (given) => {
    const runner = await stored({ status: 'starting', maxParallelTasks: given.maxParallelTasks });
    const assign = (task: TaskRef) => runners.assign(runner, task, 'starting', 'starting', noon);
    const [first = aRef(), ...others] = Array.from({ length: given.most }, aRef);
    const assigned = await Promise.all([first, ...others, aRef(), aRef()].map(assign));
    expect(assigned.filter(Boolean)).toHaveLength(given.most);
    expect((await runners.get(aProjectId, runner.id))?.places).toHaveLength(given.most);
    await runners.unassign(runner, first);
    expect(await assign(aRef())).toBeDefined();
    expect(await assign(aRef())).toBeUndefined();
  });

  it('counts running tasks in its places, also those that were not assigned to it', async () => {
    const runner = await stored({ status: 'online', maxParallelTasks: 2 });
    const [running, own] = [aRef(), aRef()];
    await runners.takeSlot(runner, running, leaseUntil);
    expect(await runners.assign(runner, own, 'online', 'online', noon)).toBeDefined();
    expect(await runners.assign(runner, aRef(), 'online', 'online', noon)).toBeUndefined();
    await runners.takeSlot(runner, own, leaseUntil);
    expect(await runners.assign(runner, own, 'online', 'online', noon)).toBeUndefined();
    await runners.releaseSlot(runner, running, noon, 0);
    expect(await runners.assign(runner, aRef(), 'online', 'online', noon)).toBeDefined();
  });

  it('keeps the place of a running task that is taken from its assigned ones', async () => {
    const runner = await stored({ status: 'online', maxParallelTasks: 1 });
    const task = aRef();
    await runners.takeSlot(runner, task, leaseUntil);
    expect(await runners.unassign(runner, task)).toBeUndefined();
    expect((await runners.get(aProjectId, runner.id))?.places).toEqual([task]);
  });

  it('corrects the places of a runner only if it has not changed since', async () => {
    const runner = await stored({ status: 'online' });
    const seen = await runners.get(aProjectId, runner.id);
    const task = aRef();
    await runners.takeSlot(runner, task, leaseUntil);
    expect(seen && (await runners.setPlaces(seen, []))).toBeUndefined();
    const now = await runners.get(aProjectId, runner.id);
    expect(now && (await runners.setPlaces(now, []))?.places).toEqual([]);
  });

  it('returns a stored runner, and shows no secret', async () => {
    const runner = await stored({ tags: ['sydney'] });
    const found = await runners.get(aProjectId, runner.id);
    expect(found).toMatchObject({
      id: runner.id,
      tags: ['sydney'],
      slots: [],
      assigned: [],
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
    const tasks = Array.from({ length: 10 }, aRef);
    const taken = await Promise.all(tasks.map((task) => runners.takeSlot(runner, task, leaseUntil)));
    expect(taken.filter(Boolean)).toHaveLength(3);
    const held = (await runners.get(aProjectId, runner.id))?.slots ?? [];
    expect(held).toHaveLength(3);
    for (const id of held) {
      const again = await runners.takeSlot(runner, { projectId: aProjectId, id }, leaseUntil);
      expect(again?.slots).toEqual(held);
    }
  });

  it('has no limit with maxParallelTasks 0', async () => {
    const runner = await stored({ status: 'online', maxParallelTasks: 0 });
    for (const task of Array.from({ length: 5 }, aRef)) await runners.takeSlot(runner, task, leaseUntil);
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
    expect(await runners.takeSlot(runner, aRef(), leaseUntil)).toBeUndefined();
  });

  it('frees a slot once, so its time is counted once', async () => {
    const runner = await stored({ status: 'online' });
    const task = aRef();
    await runners.takeSlot(runner, task, leaseUntil);
    expect(await runners.releaseSlot(runner, task, noon, 500)).toMatchObject({
      slots: [],
      busyMs: 500,
      idleSince: noon,
    });
    expect(await runners.releaseSlot(runner, task, noon, 500)).toBeUndefined();
  });

  it('does not revoke a slot when the lease was renewed meanwhile', async () => {
    const runner = await stored({ status: 'online' });
    const task = aRef();
    await runners.takeSlot(runner, task, leaseUntil);
    await runners.heartbeat(runner, noon, addMs(leaseUntil, 15_000), { agentVersion: '0.1.0' });
    expect(await runners.revokeSlot(runner, task, noon, leaseUntil)).toBeUndefined();
    expect(await runners.revokeSlot(runner, task, noon, addMs(leaseUntil, 15_000))).toMatchObject({
      slots: [],
    });
  });

  it('drains only without running and assigned tasks, whichever write comes first', async () => {
    const claimedFirst = await stored({ status: 'online' });
    await runners.takeSlot(claimedFirst, aRef(), leaseUntil);
    expect(await runners.move(claimedFirst, ['online'], 'draining', noon, { idle: true })).toBeUndefined();

    const assignedFirst = await stored({ status: 'online' });
    await runners.assign(assignedFirst, aRef(), 'online', 'online', noon);
    expect(await runners.move(assignedFirst, ['online'], 'draining', noon, { idle: true })).toBeUndefined();

    const drainedFirst = await stored({ status: 'online' });
    expect(await runners.move(drainedFirst, ['online'], 'draining', noon, { idle: true })).toBeDefined();
    expect(await runners.takeSlot(drainedFirst, aRef(), leaseUntil)).toBeUndefined();
    expect(await runners.assign(drainedFirst, aRef(), 'online', 'online', noon)).toBeUndefined();
  });

  it('lists a runner as live from waking until it sleeps', async () => {
    const runner = await stored();
    const isAwake = async () => (await runners.listAwake()).some(({ id }) => id === runner.id);
    expect(await isAwake()).toBe(false);
    const task = aRef();
    await runners.assign(runner, task, 'stopped', 'starting', noon);
    expect(await isAwake()).toBe(true);
    await runners.unassign(runner, task);
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

  it('does not remove a runner that is awake or has an assigned task', async () => {
    const online = await stored({ status: 'online' });
    expect(await runners.remove(online)).toBe(false);
    const awaited = await stored();
    await runners.assign(awaited, aRef(), 'stopped', 'stopped', noon);
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
