import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { addMs, type Instant, type RunnerId } from '../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../test/dynamodb.ts';
import { aProjectId, aRunner, aTask, noon } from '../core/testing.ts';
import { priceStore } from './costs/prices.ts';
import { newId } from './ids.ts';
import type { Log, LogLine } from './log.ts';
import { runnerStore } from './runners/runners.ts';
import { sessionStore } from './runners/sessions.ts';
import { taskStore } from './tasks/tasks.ts';
import type { Measure } from './telemetry.ts';
import { loggedWebhooks, measuredRunners, measuredSessions, measuredTasks, watched } from './with-metrics.ts';

const measured: unknown[][] = [];
const measure: Measure = (...args) => measured.push(args);
const logged: unknown[][] = [];
const logAt =
  (level: keyof Log): LogLine =>
  (...line) =>
    void logged.push([level, ...line]);
const log: Log = { info: logAt('info'), warn: logAt('warn'), error: logAt('error') };
let table: TestTable;
beforeAll(async () => {
  table = await openTestTable();
});
afterEach(() => {
  measured.length = 0;
  logged.length = 0;
});
afterAll(() => table?.close());

const runnerId: RunnerId = 'run_01ARZ3NDEKTSV4RRFFQ69G5FAV';
const seconds = (count: number): Instant => addMs(noon, count * 1000);
const hour = 3600;

const aWaitingTask = async (createdAt: Instant) => {
  const tasks = measuredTasks(taskStore(table.table), measure);
  const task = { ...aTask({ createdAt }), queue: aProjectId, onRunnerLost: 'retry', maxAttempts: 3 } as const;
  await tasks.create(task);
  return { tasks, task };
};
const aStoredRunner = async (over: Parameters<typeof aRunner>[0]) => {
  const runners = measuredRunners(runnerStore(table.table), priceStore(table.table), measure, 'us-east-1');
  const { slots: _, assigned: __, ...runner } = aRunner(over);
  await runners.create({ ...runner, tokenHash: '', webhookSecret: '' });
  return { runners, runner };
};

describe('a measurement', () => {
  it("records the time from a task's creation to its first output, once", async () => {
    const { tasks, task } = await aWaitingTask(noon);
    await tasks.claim(task, { runnerId, queue: aProjectId }, seconds(2));
    const holder = { runnerId, attempt: 1 };
    await tasks.markRunning(task, holder, seconds(3));
    await tasks.markRunning(task, holder, seconds(4));
    expect(measured).toEqual([['QueueToRunning', 3000, { taskId: task.id }]]);
  });

  it('records the savings of a sleep when it is over', async () => {
    const { runners, runner } = await aStoredRunner({ instanceType: 't4g.small' });
    const [first, second] = [
      { id: newId('ses', noon), startedAt: noon },
      { id: newId('ses', noon), startedAt: seconds(2 * hour) },
    ];
    const open = await runners.openSession(runner, first, 't4g.small');
    const closed = open?.session && (await runners.closeSession(runner, open.session, seconds(hour)));
    expect(closed).toBeDefined();
    expect(measured).toEqual([]);
    await runners.openSession(runner, second, 't4g.small');
    expect(measured).toEqual([['SavedUsd', expect.closeTo(0.0168, 6), { runnerId: runner.id }]]);
  });

  it('records the boot and idle time of a closed session', async () => {
    const sessions = measuredSessions(sessionStore(table.table), measure);
    const id = newId('ses', noon);
    await sessions.put({
      id,
      runnerId,
      projectId: aProjectId,
      instanceId: 'i-1',
      region: 'us-east-1',
      startedAt: noon,
      onlineAt: seconds(20),
      endedAt: seconds(100),
      busyMs: 70_000,
    });
    const about = { sessionId: id, runnerId };
    expect(measured).toEqual([
      ['BootTime', 20_000, about],
      ['IdleTime', 30, about],
    ]);
  });
});

describe('the watch over live items', () => {
  const watch = (now: Instant) =>
    watched(
      { tasks: taskStore(table.table), runners: runnerStore(table.table), fleets: [], now: () => now, log },
      measure,
    );

  it('measures the wait of the oldest task, and counts instances without work', async () => {
    await aWaitingTask(seconds(-2 * hour));
    const { runner } = await aStoredRunner({
      status: 'online',
      session: { id: newId('ses', noon), startedAt: seconds(-hour) },
      idleSince: seconds(-hour),
    });
    const deps = watch(noon);
    await deps.tasks.listLive();
    await deps.runners.listAwake();
    expect(measured).toEqual([
      ['OldestWaiting', 2 * hour],
      ['InstancesWithoutWork', 1],
    ]);
    expect(logged).toEqual([
      ['warn', 'An instance is on without work', expect.objectContaining({ runnerId: runner.id })],
    ]);
  });
});

describe('an attempt at a webhook', () => {
  const delivery = {
    id: 'msg_1',
    url: 'https://example.com',
    body: {
      action: 'start',
      project_id: aProjectId,
      task_id: 'tsk_01ARZ3NDEKTSV4RRFFQ69G5FAV',
      template_id: 'tpl_01ARZ3NDEKTSV4RRFFQ69G5FAV',
      runner_id: runnerId,
      attempt: 1,
      sent_at: noon,
    },
  } as const;

  it('is logged with the ids of delivery, task and runner, and as a warning when it fails', async () => {
    const attempt = { at: noon, durationMs: 5, error: 'connection refused' };
    const send = loggedWebhooks(async () => attempt, log);
    expect(await send(delivery, 'secret')).toBe(attempt);
    const [[level, , about] = []] = logged;
    expect(level).toBe('warn');
    expect(about).toMatchObject({
      deliveryId: 'msg_1',
      taskId: delivery.body.task_id,
      runnerId,
      error: 'connection refused',
    });
  });
});
