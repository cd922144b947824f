import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunnerId } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { aProjectId, aTask, noon } from '../../core/testing.ts';
import { type TaskRecord, type TaskStore, taskStore } from './tasks.ts';

let table: TestTable;
let tasks: TaskStore;
beforeAll(async () => {
  table = await openTestTable();
  tasks = taskStore(table.table);
});
afterAll(() => table?.close());

const runnerId: RunnerId = 'run_01ARZ3NDEKTSV4RRFFQ69G5FAV';
const otherId: RunnerId = 'run_01ARZ3NDEKTSV4RRFFQ69G5FAX';
const queue = `${aProjectId}-sydney`;
const by = { runnerId, queue };

const stored = async (overrides: Partial<TaskRecord> = {}): Promise<TaskRecord> => {
  const record = {
    ...aTask({ tag: 'sydney' }),
    queue,
    onRunnerLost: 'retry',
    maxAttempts: 3,
    ...overrides,
  } as const;
  await tasks.create(record);
  return record;
};

const isLive = async ({ id }: TaskRecord) => (await tasks.listLive()).some((task) => task.id === id);

describe('the store of tasks', () => {
  it('accepts exactly one of many claims', async () => {
    const task = await stored();
    const claims = await Promise.all(
      [runnerId, otherId, runnerId, otherId].map((id) => tasks.claim(task, { ...by, runnerId: id }, noon)),
    );
    expect(claims.filter(Boolean)).toHaveLength(1);
  });

  it('returns the task as it was before the claim, with its assigned runner', async () => {
    const task = await stored({ runnerId: otherId });
    expect(await tasks.claim(task, by, noon)).toMatchObject({ status: 'waiting', runnerId: otherId });
    expect(await tasks.get(aProjectId, task.id)).toMatchObject({ status: 'starting', runnerId });
  });

  it('accepts a claim only from the queue in which the task waits', async () => {
    const task = await stored();
    expect(await tasks.claim(task, { ...by, queue: `${aProjectId}-tokyo` }, noon)).toBeUndefined();
    expect(await tasks.claim(task, { ...by, queue: 'global' }, noon)).toBeUndefined();
    expect((await tasks.get(aProjectId, task.id))?.status).toBe('waiting');
  });

  it('ends a task once, by the report of its present attempt', async () => {
    const task = await stored();
    await tasks.claim(task, by, noon);
    const success = { status: 'success', exitCode: 0, logChunks: 2 } as const;
    expect(await tasks.finish(task, { runnerId: otherId, attempt: 1 }, success, noon)).toBeUndefined();
    expect(await tasks.finish(task, { runnerId, attempt: 2 }, success, noon)).toBeUndefined();
    expect(await tasks.finish(task, { runnerId, attempt: 1 }, success, noon)).toMatchObject({
      status: 'success',
    });
    expect(
      await tasks.finish(task, { runnerId, attempt: 1 }, { ...success, status: 'error' }, noon),
    ).toBeUndefined();
  });

  it('lists a task as live until it ends', async () => {
    const task = await stored();
    expect(await isLive(task)).toBe(true);
    await tasks.claim(task, by, noon);
    expect(await isLive(task)).toBe(true);
    await tasks.finish(task, { runnerId, attempt: 1 }, { status: 'success', logChunks: 0 }, noon);
    expect(await isLive(task)).toBe(false);
  });

  it('requeues a task with the next attempt when its runner is lost, and rejects the lost one', async () => {
    const task = await stored();
    await tasks.claim(task, by, noon);
    await tasks.markRunning(task, { runnerId, attempt: 1 }, noon);
    expect(await tasks.requeue(task, { runnerId, attempt: 1 }, 'lost')).toMatchObject({
      status: 'waiting',
      attempt: 2,
    });
    expect(await tasks.requeue(task, { runnerId, attempt: 1 }, 'lost')).toBeUndefined();
    await tasks.claim(task, by, noon);
    expect(
      await tasks.finish(task, { runnerId, attempt: 1 }, { status: 'success', logChunks: 0 }, noon),
    ).toBeUndefined();
  });

  it('stops a waiting task at once, and a later one through its runner', async () => {
    const waiting = await stored();
    expect(await tasks.stopWaiting(waiting, 'enough', noon)).toMatchObject({
      status: 'stopped',
      reason: 'enough',
    });
    const held = await stored();
    await tasks.claim(held, by, noon);
    expect(await tasks.stopWaiting(held, 'enough', noon)).toBeUndefined();
    expect(await tasks.requestStop(held, 'enough')).toMatchObject({ status: 'stopping' });
  });

  it('lists the line of a queue, the higher priority first, without tasks of a runner', async () => {
    const line = `${aProjectId}-line`;
    const [first, second, urgent, held] = [
      await stored({ queue: line }),
      await stored({ queue: line }),
      await stored({ queue: line, priority: 5 }),
      await stored({ queue: line, priority: 9 }),
    ];
    await tasks.claim(held, { ...by, queue: line }, noon);
    const idsOf = async (atMost: number) => (await tasks.line(line, atMost)).map(({ id }) => id);
    expect(await idsOf(10)).toEqual([urgent.id, first.id, second.id]);
    expect(await idsOf(2)).toEqual([urgent.id, first.id]);
    await tasks.requeue(held, { runnerId, attempt: 1 }, 'lost');
    expect(await idsOf(10)).toEqual([held.id, urgent.id, first.id, second.id]);
  });

  it('counts the running tasks of a queue per project', async () => {
    const global = { queue: 'global' };
    const [running] = [await stored(global), await stored(global)];
    const before = await tasks.heldIn('global');
    await tasks.claim(running, { ...by, queue: 'global' }, noon);
    const held = await tasks.heldIn('global');
    expect(held.get(aProjectId)).toBe((before.get(aProjectId) ?? 0) + 1);
  });

  it('moves a waiting task to another queue and runner', async () => {
    const task = await stored();
    const moved = await tasks.assign(task, 'global', otherId, noon);
    expect(moved).toMatchObject({ queue: 'global', runnerId: otherId });
    expect((await tasks.line('global', 100)).map(({ id }) => id)).toContain(task.id);
    expect(await tasks.assign(task, queue, runnerId, noon)).toBeUndefined();
    await tasks.claim(task, { ...by, queue: 'global' }, noon);
    expect(moved && (await tasks.assign(moved, queue, runnerId, noon))).toBeUndefined();
  });

  it('lists tasks newest first, by pages, with filters', async () => {
    const projectId = 'prj_01ARZ3NDEKTSV4RRFFQ69G5FAX';
    const made = [];
    for (const tag of ['a', 'b', 'a', 'b', 'a']) made.push(await stored({ projectId, tag }));
    const newest = made.toReversed().map(({ id }) => id);
    const first = await tasks.list(projectId, { limit: 3 });
    const second = await tasks.list(projectId, { limit: 3 }, first.next);
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(newest);
    expect((await tasks.list(projectId, { limit: 5, tag: 'a' })).items).toHaveLength(3);
  });

  it('finds a task far back among others, and continues after it', async () => {
    const projectId = 'prj_01BRZ3NDEKTSV4RRFFQ69G5FAX';
    const old = await stored({ projectId, message: 'The needle' });
    for (let made = 0; made < 250; made += 1) await stored({ projectId });
    const young = await stored({ projectId, message: 'Another Needle' });
    const first = await tasks.list(projectId, { limit: 1, search: 'needle' });
    expect(first.items.map(({ id }) => id)).toEqual([young.id]);
    const second = await tasks.list(projectId, { limit: 1, search: 'needle' }, first.next);
    expect(second.items.map(({ id }) => id)).toEqual([old.id]);
    const both = await tasks.list(projectId, { limit: 2, search: 'needle' });
    expect(both.items.map(({ id }) => id)).toEqual([young.id, old.id]);
    // No id holds it by chance: Crockford's base 32 has no I, L, O and U.
    expect((await tasks.list(projectId, { limit: 5, search: 'hollow' })).items).toEqual([]);
  });
});
