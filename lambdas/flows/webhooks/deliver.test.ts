import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Delivery } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { type Bench, flowBench } from '../testing.ts';
import { deliveryIdOf, retry, sendEvent } from './deliver.ts';

let table: TestTable;
let bench: Bench;
beforeEach(async () => {
  table = await openTestTable();
  bench = flowBench(table.table);
});
afterEach(() => table?.close());

let count = 0;
const aUrl = () => `https://hooks.example/${++count}`;

const aTask = async (runner: RunnerRecord): Promise<TaskRecord> => {
  const template = bench.addTemplate({ tag: 'nowhere' });
  return { ...(await bench.start(template)), runnerId: runner.id };
};
const read = async (
  task: TaskRecord,
  action: 'start' | 'finish',
  runner: RunnerRecord,
): Promise<Delivery> => {
  const found = await bench.deps.deliveries.get(bench.projectId, deliveryIdOf(task, action, runner.id));
  if (!found) throw new Error('no such delivery');
  return found;
};
const tryAgain = ({ projectId, id }: Delivery, { tries = 1, last = false } = {}) =>
  retry(bench.deps, { projectId, id }, { tries, last });

describe('a second start event for a task', () => {
  const minuteLater = () => {
    bench.pass(60_000);
    return { wokenAt: bench.deps.now() };
  };

  it('is sent again, under another id, when its runner is woken again', async () => {
    const runner = await bench.addRunner({ webhookUrl: aUrl() });
    const task = await aTask(runner);
    await sendEvent(bench.deps, 'start', task, runner, { wokenAt: bench.deps.now() });
    const again = minuteLater();
    await sendEvent(bench.deps, 'start', task, runner, again);
    await sendEvent(bench.deps, 'start', task, runner, again);
    await sendEvent(bench.deps, 'start', task, runner);
    expect(bench.sent).toHaveLength(2);
  });

  it('is left to the retries while the first is pending', async () => {
    const runner = await bench.addRunner({ webhookUrl: aUrl() });
    const task = await aTask(runner);
    bench.setReceiver(false);
    await sendEvent(bench.deps, 'start', task, runner, { wokenAt: bench.deps.now() });
    await sendEvent(bench.deps, 'start', task, runner, minuteLater());
    expect(bench.sent).toHaveLength(1);
  });

  it('is dropped when the task has finished before its delivery', async () => {
    const runner = await bench.addRunner({ webhookUrl: aUrl() });
    const task = await aTask(runner);
    await sendEvent(bench.deps, 'start', task, runner, { wokenAt: bench.deps.now() });
    bench.setReceiver(false);
    const { wokenAt } = minuteLater();
    await sendEvent(bench.deps, 'start', task, runner, { wokenAt });
    bench.setReceiver(true);
    await sendEvent(bench.deps, 'finish', task, runner);
    const id = `${deliveryIdOf(task, 'start', runner.id)}_${Date.parse(wokenAt)}`;
    expect(await retry(bench.deps, { projectId: bench.projectId, id }, { tries: 1, last: false })).toBe(
      'settled',
    );
    expect(await bench.deps.deliveries.get(bench.projectId, id)).toMatchObject({ status: 'dead' });
    expect(bench.sent.at(-1)).toMatch(/^finish/);
  });
});

describe('the order of deliveries', () => {
  it('holds a finish back until its start is delivered', async () => {
    const runner = await bench.addRunner({ webhookUrl: aUrl() });
    const task = await aTask(runner);
    bench.setReceiver(false);
    await sendEvent(bench.deps, 'start', task, runner);
    bench.setReceiver(true);
    await sendEvent(bench.deps, 'finish', task, runner);
    const finish = await read(task, 'finish', runner);
    expect(finish).toMatchObject({ status: 'pending', attempts: [], held: { reason: 'earlier_delivery' } });
    expect(await tryAgain(finish)).toBe('settled');
    expect((await read(task, 'finish', runner)).attempts).toEqual([]);
    await tryAgain(await read(task, 'start', runner));
    await tryAgain(finish);
    expect(await read(task, 'finish', runner)).toMatchObject({ status: 'delivered' });
    expect(bench.sent.map((line) => line.split(' ')[0])).toEqual(['start', 'start', 'finish']);
  });

  it('sends a finish whose start is dead, and one whose start was never made', async () => {
    const runner = await bench.addRunner({ webhookUrl: aUrl() });
    const [withDead, withNone] = [await aTask(runner), await aTask(runner)];
    bench.setReceiver(false);
    await sendEvent(bench.deps, 'start', withDead, runner);
    await tryAgain(await read(withDead, 'start', runner), { last: true });
    bench.setReceiver(true);
    for (const task of [withDead, withNone]) {
      await sendEvent(bench.deps, 'finish', task, runner);
      expect(await read(task, 'finish', runner)).toMatchObject({ status: 'delivered' });
    }
  });

  it('holds the next attempt back until the previous one is delivered', async () => {
    const runner = await bench.addRunner({ webhookUrl: aUrl() });
    const task = await aTask(runner);
    await sendEvent(bench.deps, 'start', task, runner);
    bench.setReceiver(false);
    await sendEvent(bench.deps, 'finish', task, runner);
    bench.setReceiver(true);
    const again = { ...task, attempt: 2 };
    await sendEvent(bench.deps, 'start', again, runner);
    expect(await read(again, 'start', runner)).toMatchObject({ attempts: [], status: 'pending' });
  });

  it('keeps the count of retries over a wait', async () => {
    const runner = await bench.addRunner({ webhookUrl: aUrl() });
    const task = await aTask(runner);
    bench.setReceiver(false);
    await sendEvent(bench.deps, 'start', task, runner);
    await sendEvent(bench.deps, 'finish', task, runner);
    await tryAgain(await read(task, 'finish', runner), { tries: 4 });
    expect(bench.retries.at(-1)).toMatchObject({ delaySeconds: 10, tries: 4 });
  });
});

describe('the circuit breaker of a URL', () => {
  const failing = async (times: number) => {
    const runner = await bench.addRunner({ webhookUrl: aUrl() });
    bench.setReceiver(false);
    for (let n = 0; n < times; n += 1) await sendEvent(bench.deps, 'start', await aTask(runner), runner);
    return runner;
  };

  it('opens after five failures in a row: deliveries wait without an attempt', async () => {
    const runner = await failing(5);
    const task = await aTask(runner);
    await sendEvent(bench.deps, 'start', task, runner);
    expect(await read(task, 'start', runner)).toMatchObject({
      attempts: [],
      held: { reason: 'circuit_open' },
    });
    expect(bench.sent).toHaveLength(5);
    expect(bench.retries.at(-1)).toMatchObject({ delaySeconds: 60 });
  });

  it('allows one delivery after its cool-down, and closes when that is acknowledged', async () => {
    const runner = await failing(5);
    bench.pass(60_000);
    bench.setReceiver(true);
    const [first, second] = [await aTask(runner), await aTask(runner)];
    const { circuits, now } = bench.deps;
    expect(await circuits.admit(runner.webhookUrl ?? '', now())).toMatchObject({ ok: true });
    await sendEvent(bench.deps, 'start', first, runner);
    expect(await read(first, 'start', runner)).toMatchObject({
      attempts: [],
      held: { reason: 'circuit_open' },
    });
    bench.pass(30_000);
    await tryAgain(await read(first, 'start', runner));
    await sendEvent(bench.deps, 'start', second, runner);
    for (const task of [first, second]) {
      expect(await read(task, 'start', runner)).toMatchObject({ status: 'delivered' });
    }
  });

  it('opens again at once when that trial fails', async () => {
    const runner = await failing(5);
    bench.pass(60_000);
    for (let n = 0; n < 3; n += 1) await sendEvent(bench.deps, 'start', await aTask(runner), runner);
    expect(bench.sent).toHaveLength(6);
  });

  it('counts only failures in a row', async () => {
    const runner = await failing(4);
    bench.setReceiver(true);
    await sendEvent(bench.deps, 'start', await aTask(runner), runner);
    bench.setReceiver(false);
    for (let n = 0; n < 2; n += 1) await sendEvent(bench.deps, 'start', await aTask(runner), runner);
    expect(bench.sent).toHaveLength(7);
  });

  it('applies by URL, and never to the functions of the stack', async () => {
    await failing(5);
    const other = await bench.addRunner({ webhookUrl: aUrl() });
    const own = await bench.addRunner({ instanceId: 'i-0123456789abcdef7' });
    bench.sent.length = 0;
    await sendEvent(bench.deps, 'start', await aTask(other), other);
    for (let n = 0; n < 7; n += 1) await sendEvent(bench.deps, 'start', await aTask(own), own);
    expect(bench.sent).toHaveLength(8);
  });

  it('gives up a delivery after a day', async () => {
    const runner = await failing(5);
    const task = await aTask(runner);
    await sendEvent(bench.deps, 'start', task, runner);
    bench.pass(24 * 3_600_000 + 1);
    // The trial delivery, which checks whether the receiver works again.
    await sendEvent(bench.deps, 'start', await aTask(runner), runner);
    await tryAgain(await read(task, 'start', runner));
    expect(await read(task, 'start', runner)).toMatchObject({ status: 'dead' });
  });
});
