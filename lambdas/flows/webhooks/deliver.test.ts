import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Delivery } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { type FlowFixture, flowFixture } from '../testing.ts';
import { deliveryIdOf, retry, sendEvent } from './deliver.ts';

let table: TestTable;
let fixture: FlowFixture;
beforeEach(async () => {
  table = await openTestTable();
  fixture = flowFixture(table.table);
});
afterEach(() => table?.close());

let count = 0;
const aUrl = () => `https://hooks.example/${++count}`;

const aTask = async (runner: RunnerRecord): Promise<TaskRecord> => {
  const template = fixture.addTemplate({ tag: 'nowhere' });
  return { ...(await fixture.start(template)), runnerId: runner.id };
};
const read = async (
  task: TaskRecord,
  action: 'start' | 'finish',
  runner: RunnerRecord,
): Promise<Delivery> => {
  const found = await fixture.deps.deliveries.get(fixture.projectId, deliveryIdOf(task, action, runner.id));
  if (!found) throw new Error('no such delivery');
  return found;
};
const tryAgain = ({ projectId, id }: Delivery, { tries = 1, last = false } = {}) =>
  retry(fixture.deps, { projectId, id }, { tries, last });

describe('a second start event for a task', () => {
  const minuteLater = () => {
    fixture.pass(60_000);
    return { wokenAt: fixture.deps.now() };
  };

  it('is sent again, under another id, when its runner is woken again', async () => {
    const runner = await fixture.addRunner({ webhookUrl: aUrl() });
    const task = await aTask(runner);
    await sendEvent(fixture.deps, 'start', task, runner, { wokenAt: fixture.deps.now() });
    const again = minuteLater();
    await sendEvent(fixture.deps, 'start', task, runner, again);
    await sendEvent(fixture.deps, 'start', task, runner, again);
    await sendEvent(fixture.deps, 'start', task, runner);
    expect(fixture.sent).toHaveLength(2);
  });

  it('is left to the retries while the first is pending', async () => {
    const runner = await fixture.addRunner({ webhookUrl: aUrl() });
    const task = await aTask(runner);
    fixture.setReceiver(false);
    await sendEvent(fixture.deps, 'start', task, runner, { wokenAt: fixture.deps.now() });
    await sendEvent(fixture.deps, 'start', task, runner, minuteLater());
    expect(fixture.sent).toHaveLength(1);
  });

  it('is dropped when the task has finished before its delivery', async () => {
    const runner = await fixture.addRunner({ webhookUrl: aUrl() });
    const task = await aTask(runner);
    await sendEvent(fixture.deps, 'start', task, runner, { wokenAt: fixture.deps.now() });
    fixture.setReceiver(false);
    const { wokenAt } = minuteLater();
    await sendEvent(fixture.deps, 'start', task, runner, { wokenAt });
    fixture.setReceiver(true);
    await sendEvent(fixture.deps, 'finish', task, runner);
    const id = `${deliveryIdOf(task, 'start', runner.id)}_${Date.parse(wokenAt)}`;
    expect(await retry(fixture.deps, { projectId: fixture.projectId, id }, { tries: 1, last: false })).toBe(
      'settled',
    );
    expect(await fixture.deps.deliveries.get(fixture.projectId, id)).toMatchObject({ status: 'dead' });
    expect(fixture.sent.at(-1)).toMatch(/^finish/);
  });
});

describe('the order of deliveries', () => {
  it('holds a finish back until its start is delivered', async () => {
    const runner = await fixture.addRunner({ webhookUrl: aUrl() });
    const task = await aTask(runner);
    fixture.setReceiver(false);
    await sendEvent(fixture.deps, 'start', task, runner);
    fixture.setReceiver(true);
    await sendEvent(fixture.deps, 'finish', task, runner);
    const finish = await read(task, 'finish', runner);
    expect(finish).toMatchObject({ status: 'pending', attempts: [], held: { reason: 'earlier_delivery' } });
    expect(await tryAgain(finish)).toBe('settled');
    expect((await read(task, 'finish', runner)).attempts).toEqual([]);
    await tryAgain(await read(task, 'start', runner));
    await tryAgain(finish);
    expect(await read(task, 'finish', runner)).toMatchObject({ status: 'delivered' });
    expect(fixture.sent.map((line) => line.split(' ')[0])).toEqual(['start', 'start', 'finish']);
  });

  it('sends a finish whose start is dead, and one whose start was never made', async () => {
    const runner = await fixture.addRunner({ webhookUrl: aUrl() });
    const [withDead, withNone] = [await aTask(runner), await aTask(runner)];
    fixture.setReceiver(false);
    await sendEvent(fixture.deps, 'start', withDead, runner);
    await tryAgain(await read(withDead, 'start', runner), { last: true });
    fixture.setReceiver(true);
    for (const task of [withDead, withNone]) {
      await sendEvent(fixture.deps, 'finish', task, runner);
      expect(await read(task, 'finish', runner)).toMatchObject({ status: 'delivered' });
    }
  });

  it('holds the next attempt back until the previous one is delivered', async () => {
    const runner = await fixture.addRunner({ webhookUrl: aUrl() });
    const task = await aTask(runner);
    await sendEvent(fixture.deps, 'start', task, runner);
    fixture.setReceiver(false);
    await sendEvent(fixture.deps, 'finish', task, runner);
    fixture.setReceiver(true);
    const again = { ...task, attempt: 2 };
    await sendEvent(fixture.deps, 'start', again, runner);
    expect(await read(again, 'start', runner)).toMatchObject({ attempts: [], status: 'pending' });
  });

  it('keeps the count of retries over a wait', async () => {
    const runner = await fixture.addRunner({ webhookUrl: aUrl() });
    const task = await aTask(runner);
    fixture.setReceiver(false);
    await sendEvent(fixture.deps, 'start', task, runner);
    await sendEvent(fixture.deps, 'finish', task, runner);
    await tryAgain(await read(task, 'finish', runner), { tries: 4 });
    expect(fixture.retries.at(-1)).toMatchObject({ delaySeconds: 10, tries: 4 });
  });
});

describe('the circuit breaker of a URL', () => {
  const failing = async (times: number) => {
    const runner = await fixture.addRunner({ webhookUrl: aUrl() });
    fixture.setReceiver(false);
    for (let n = 0; n < times; n += 1) await sendEvent(fixture.deps, 'start', await aTask(runner), runner);
    return runner;
  };

  it('opens after five failures in a row: deliveries wait without an attempt', async () => {
    const runner = await failing(5);
    const task = await aTask(runner);
    await sendEvent(fixture.deps, 'start', task, runner);
    expect(await read(task, 'start', runner)).toMatchObject({
      attempts: [],
      held: { reason: 'circuit_open' },
    });
    expect(fixture.sent).toHaveLength(5);
    expect(fixture.retries.at(-1)).toMatchObject({ delaySeconds: 60 });
  });

  it('allows one delivery after its cool-down, and closes when that is acknowledged', async () => {
    const runner = await failing(5);
    fixture.pass(60_000);
    fixture.setReceiver(true);
    const [first, second] = [await aTask(runner), await aTask(runner)];
    const { circuits, now } = fixture.deps;
    expect(await circuits.admit(runner.webhookUrl ?? '', now())).toMatchObject({ ok: true });
    await sendEvent(fixture.deps, 'start', first, runner);
    expect(await read(first, 'start', runner)).toMatchObject({
      attempts: [],
      held: { reason: 'circuit_open' },
    });
    fixture.pass(30_000);
    await tryAgain(await read(first, 'start', runner));
    await sendEvent(fixture.deps, 'start', second, runner);
    for (const task of [first, second]) {
      expect(await read(task, 'start', runner)).toMatchObject({ status: 'delivered' });
    }
  });

  it('opens again at once when that trial fails', async () => {
    const runner = await failing(5);
    fixture.pass(60_000);
    for (let n = 0; n < 3; n += 1) await sendEvent(fixture.deps, 'start', await aTask(runner), runner);
    expect(fixture.sent).toHaveLength(6);
  });

  it('counts only failures in a row', async () => {
    const runner = await failing(4);
    fixture.setReceiver(true);
    await sendEvent(fixture.deps, 'start', await aTask(runner), runner);
    fixture.setReceiver(false);
    for (let n = 0; n < 2; n += 1) await sendEvent(fixture.deps, 'start', await aTask(runner), runner);
    expect(fixture.sent).toHaveLength(7);
  });

  it('applies by URL, and never to the functions of the stack', async () => {
    await failing(5);
    const other = await fixture.addRunner({ webhookUrl: aUrl() });
    const own = await fixture.addRunner({ instanceId: 'i-0123456789abcdef7' });
    fixture.sent.length = 0;
    await sendEvent(fixture.deps, 'start', await aTask(other), other);
    for (let n = 0; n < 7; n += 1) await sendEvent(fixture.deps, 'start', await aTask(own), own);
    expect(fixture.sent).toHaveLength(8);
  });

  it('gives up a delivery after a day', async () => {
    const runner = await failing(5);
    const task = await aTask(runner);
    await sendEvent(fixture.deps, 'start', task, runner);
    fixture.pass(24 * 3_600_000 + 1);
    // The trial delivery, which checks whether the receiver works again.
    await sendEvent(fixture.deps, 'start', await aTask(runner), runner);
    await tryAgain(await read(task, 'start', runner));
    expect(await read(task, 'start', runner)).toMatchObject({ status: 'dead' });
  });
});
