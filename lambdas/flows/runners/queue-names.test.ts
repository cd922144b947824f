/** SQS refuses the name of a queue for 60 s after its deletion. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { whyWaiting } from '../../core/tasks/reason.ts';
import { reconcile } from '../reconcile/reconcile.ts';
import { type FlowFixture, flowFixture } from '../testing.ts';
import { configureRunner, removeRunner } from './runner-setup.ts';

let table: TestTable;
let fixture: FlowFixture;
beforeEach(async () => {
  table = await openTestTable();
  fixture = flowFixture(table.table);
});
afterEach(() => table?.close());

const instanceId = 'i-00000000000000001';
const queue = () => `${fixture.projectId}-sydney`;
const removeLast = async () => {
  await removeRunner(fixture.deps, await fixture.addRunner({ tags: ['sydney'] }));
  expect(fixture.queues).not.toContain(queue());
};

it('creates a runner for a tag whose queue was just removed, with a wait of a minute', async () => {
  await removeLast();
  fixture.pass(10_000);
  const runner = await fixture.addRunner({ tags: ['sydney'], instanceId });
  expect(runner.queuesFrom).toBe('2026-01-01T12:01:10.000Z');
  const task = await fixture.start(fixture.addTemplate({ tag: 'sydney' }));
  await fixture.wake(runner);
  await fixture.instanceBecomes(runner, 'running');
  const reason = async () => whyWaiting(task, [await fixture.reload(runner)], fixture.deps.now());
  expect(await reason()).toMatch(/^Starting i-.* SQS refuses the name until 12:01:10 UTC/);
  await fixture.beat(runner);
  expect(await reason()).toMatch(/^The queue of its tag was removed a moment ago/);
  expect(fixture.rung).toEqual([]);

  fixture.pass(30_000);
  await fixture.beat(runner);
  expect(await reconcile(fixture.deps)).not.toHaveProperty('queues_made');
  fixture.pass(31_000);
  await fixture.beat(runner);
  expect(await reconcile(fixture.deps)).toMatchObject({ queues_made: 1, doorbell_rung_again: 1 });
  expect(fixture.rung.map((one) => one.queue)).toEqual([queue()]);
  expect((await fixture.reload(runner)).queuesFrom).toBeUndefined();
  expect(await reason()).toMatch(/is about to take it/);
});

it('waits for the queue in the same way when a runner gets a tag back', async () => {
  await removeLast();
  const runner = await fixture.addRunner({ tags: ['perth'], instanceId });
  const { name, maxParallelTasks, idleTimeoutMs } = runner;
  const input = { name, maxParallelTasks, idleTimeoutMs, active: true, instanceId };
  const configured = await configureRunner(fixture.deps, runner, { ...input, tags: ['sydney'] });
  expect(configured).toMatchObject({ ok: true, runner: { queuesFrom: '2026-01-01T12:01:00.000Z' } });
  fixture.pass(61_000);
  const again = await configureRunner(fixture.deps, await fixture.reload(runner), {
    ...input,
    tags: ['sydney'],
  });
  expect(again).toMatchObject({ ok: true, runner: { tags: ['sydney'] } });
  expect((await fixture.reload(runner)).queuesFrom).toBeUndefined();
});
