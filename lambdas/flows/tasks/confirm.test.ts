import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { type FlowFixture, flowFixture } from '../testing.ts';
import { awaitConfirmation, decideTask } from './confirm.ts';
import { finishTask } from './report.ts';
import { stopTask } from './start-task.ts';

const ann = { name: 'ann', personId: 'usr_ann' };
const bob = { name: 'bob', personId: 'usr_bob' };

let table: TestTable;
let fixture: FlowFixture;
beforeEach(async () => {
  table = await openTestTable();
  fixture = flowFixture(table.table);
});
afterEach(() => table?.close());

/** A task that a runner has claimed and that waits for confirmation. */
const waiting = async () => {
  const instanceId = 'i-00000000000000001';
  const runner = await fixture.addRunner({ instanceId });
  await fixture.instanceBecomes(runner, 'running');
  await fixture.beat(runner);
  const { id } = await fixture.start(fixture.addTemplate({ app: 'terraform' }));
  await fixture.claim(runner, { id });
  const lease = { ...fixture.agentOf(runner), projectId: fixture.projectId, taskId: id, attempt: 1 };
  const now = async () => {
    const task = await fixture.deps.tasks.get(fixture.projectId, id);
    if (!task) throw new Error('the task is gone');
    return task;
  };
  expect(await awaitConfirmation(fixture.deps, lease)).toBe(true);
  const answer = async () => (await fixture.beat(runner, [{ id }]))?.leases.find((row) => row.taskId === id);
  return { id, lease, now, answer };
};

describe('a task that waits for confirmation', () => {
  it('keeps its slot, and its agent gets the confirmation', async () => {
    const { now, answer, lease } = await waiting();
    expect(await now()).toMatchObject({
      status: 'waiting_confirmation',
      reason: expect.stringContaining('confirm or reject'),
    });
    expect((await answer())?.confirmed).toBeUndefined();
    await decideTask(fixture.deps, await now(), 'confirm', ann);
    expect(await now()).toMatchObject({ status: 'confirmed', reason: 'Confirmed by ann.' });
    expect((await answer())?.confirmed).toBe(true);
    expect(await awaitConfirmation(fixture.deps, lease)).toBe(true);
    expect((await now()).status).toBe('confirmed');
  });

  it('ends as stopped when it is rejected, with the name of the person', async () => {
    const { now, answer, lease } = await waiting();
    await decideTask(fixture.deps, await now(), 'reject', ann);
    expect((await answer())?.confirmed).toBe(false);
    await finishTask(fixture.deps, lease, { lease: '', status: 'stopped', logChunks: 1 });
    expect(await now()).toMatchObject({ status: 'stopped', reason: 'Rejected by ann.' });
  });

  it('accepts one decision only', async () => {
    const { now } = await waiting();
    const before = await now();
    await decideTask(fixture.deps, before, 'reject', ann);
    expect(await decideTask(fixture.deps, before, 'confirm', bob)).toEqual({ ok: true, task: undefined });
    expect((await now()).status).toBe('rejected');
  });

  it('can be stopped', async () => {
    const { now, answer, lease } = await waiting();
    await stopTask(fixture.deps, await now(), 'ann');
    expect((await answer())?.stop).toBe(true);
    expect(await awaitConfirmation(fixture.deps, lease)).toBe(true);
  });

  it('is run again, and waits again, when its runner is lost', async () => {
    const { now, lease } = await waiting();
    await decideTask(fixture.deps, await now(), 'confirm', ann);
    await finishTask(fixture.deps, lease, { lease: '', status: 'lost', logChunks: 1 });
    expect(await now()).toMatchObject({ status: 'waiting', attempt: 2 });
    expect(await awaitConfirmation(fixture.deps, lease)).toBe(false);
  });
});
