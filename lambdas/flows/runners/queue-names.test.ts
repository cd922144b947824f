/** SQS refuses the name of a queue for 60 s after its deletion. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { whyWaiting } from '../../core/tasks/reason.ts';
import { reconcile } from '../reconcile.ts';
import { type Bench, flowBench } from '../testing.ts';
import { configureRunner, removeRunner } from './runner-setup.ts';

let table: TestTable;
let bench: Bench;
beforeEach(async () => {
  table = await openTestTable();
  bench = flowBench(table.table);
});
afterEach(() => table?.close());

const instanceId = 'i-00000000000000001';
const queue = () => `${bench.projectId}-sydney`;
const removeLast = async () => {
  await removeRunner(bench.deps, await bench.addRunner({ tags: ['sydney'] }));
  expect(bench.queues).not.toContain(queue());
};

it('creates a runner for a tag whose queue was just removed, with a wait of a minute', async () => {
  await removeLast();
  bench.pass(10_000);
  const runner = await bench.addRunner({ tags: ['sydney'], instanceId });
  expect(runner.queuesFrom).toBe('2026-01-01T12:01:10.000Z');
  const task = await bench.start(bench.addTemplate({ tag: 'sydney' }));
  await bench.wake(runner);
  await bench.instanceBecomes(runner, 'running');
  const reason = async () => whyWaiting(task, [await bench.reload(runner)], bench.deps.now());
  expect(await reason()).toMatch(/^Starting i-.* SQS refuses the name until 12:01:10 UTC/);
  await bench.beat(runner);
  expect(await reason()).toMatch(/^The queue of its tag was removed a moment ago/);
  expect(bench.rung).toEqual([]);

  bench.pass(30_000);
  await bench.beat(runner);
  expect(await reconcile(bench.deps)).not.toHaveProperty('queues_made');
  bench.pass(31_000);
  await bench.beat(runner);
  expect(await reconcile(bench.deps)).toMatchObject({ queues_made: 1, doorbell_rung_again: 1 });
  expect(bench.rung.map((one) => one.queue)).toEqual([queue()]);
  expect((await bench.reload(runner)).queuesFrom).toBeUndefined();
  expect(await reason()).toMatch(/is about to take it/);
});

it('waits for the queue in the same way when a runner gets a tag back', async () => {
  await removeLast();
  const runner = await bench.addRunner({ tags: ['perth'], instanceId });
  const { name, maxParallelTasks, idleTimeoutMs } = runner;
  const input = { name, maxParallelTasks, idleTimeoutMs, active: true, instanceId };
  const configured = await configureRunner(bench.deps, runner, { ...input, tags: ['sydney'] });
  expect(configured).toMatchObject({ ok: true, runner: { queuesFrom: '2026-01-01T12:01:00.000Z' } });
  bench.pass(61_000);
  const again = await configureRunner(bench.deps, await bench.reload(runner), { ...input, tags: ['sydney'] });
  expect(again).toMatchObject({ ok: true, runner: { tags: ['sydney'] } });
  expect((await bench.reload(runner)).queuesFrom).toBeUndefined();
});
