import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { leaseMs, runnerInput } from '../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../test/dynamodb.ts';
import { controlQueueOf } from '../core/tasks/routing.ts';
import { reconcile } from './reconcile/reconcile.ts';
import { drain } from './runners/heartbeat.ts';
import { followInstance } from './runners/instance-state.ts';
import { putToSleep, stopDrained } from './runners/power.ts';
import { removeRunner } from './runners/runner-setup.ts';
import { claimTask } from './tasks/claim.ts';
import { finishTask } from './tasks/report.ts';
import { stopTask } from './tasks/start-task.ts';
import { type FlowFixture, flowFixture } from './testing.ts';

let table: TestTable;
let fixture: FlowFixture;
beforeEach(async () => {
  table = await openTestTable();
  fixture = flowFixture(table.table);
});
afterEach(() => table?.close());

let made = 0;
const anInstance = () => `i-${String(++made).padStart(17, '0')}`;

const success = { status: 'success', exitCode: 0, logChunks: 1, lease: '' } as const;

/** A runner with its agent online. */
const online = async (input: Parameters<FlowFixture['addRunner']>[0] = {}) => {
  const runner = await fixture.addRunner({ instanceId: anInstance(), ...input });
  await fixture.instanceBecomes(runner, 'running');
  await fixture.beat(runner);
  return fixture.reload(runner);
};

const leaseOn = (runner: Awaited<ReturnType<typeof online>>, taskId: `tsk_${string}`, attempt = 1) => ({
  ...fixture.agentOf(runner),
  projectId: fixture.projectId,
  taskId,
  attempt,
});

const statusOf = async (task: { id: string }) =>
  (await fixture.deps.tasks.get(fixture.projectId, task.id))?.status;

describe('assigning a task', () => {
  it('wakes the stopped runner of its tag, rings, and sends the start event once', async () => {
    const runner = await fixture.addRunner({ tags: ['sydney'], instanceId: anInstance() });
    const task = await fixture.start(fixture.addTemplate({ tag: 'sydney' }));
    expect(await fixture.reload(runner)).toMatchObject({ status: 'starting', assigned: [task.id] });
    expect(fixture.rung).toEqual([
      {
        queue: `${fixture.projectId}-sydney`,
        doorbell: {
          projectId: fixture.projectId,
          taskId: task.id,
          queue: `${fixture.projectId}-sydney`,
          aloneAt: fixture.deps.now(),
          parts: { templateId: task.templateId },
        },
      },
    ]);
    expect(fixture.sent).toEqual(['start https://api.test/webhooks/task-start']);
  });

  it('wakes a second runner only for a task without a slot on the first', async () => {
    const runners = [
      await fixture.addRunner({ maxParallelTasks: 2, instanceId: anInstance() }),
      await fixture.addRunner({ maxParallelTasks: 2, instanceId: anInstance() }),
    ];
    const template = fixture.addTemplate();
    const awake = async () =>
      (await Promise.all(runners.map(fixture.reload))).filter(({ status }) => status === 'starting').length;
    await fixture.start(template);
    await fixture.start(template);
    expect(await awake()).toBe(1);
    await fixture.start(template);
    expect(await awake()).toBe(2);
  });

  it('lets a task wait without a runner, and assigns it when one is created', async () => {
    const task = await fixture.start(fixture.addTemplate({ tag: 'sydney' }));
    expect(fixture.rung).toEqual([]);
    const runner = await fixture.addRunner({ tags: ['sydney'], instanceId: anInstance() });
    expect(await fixture.reload(runner)).toMatchObject({ status: 'starting', assigned: [task.id] });
  });

  it('retries an unacknowledged start event', async () => {
    fixture.setReceiver(false);
    await fixture.addRunner({ instanceId: anInstance() });
    await fixture.start(fixture.addTemplate());
    expect(fixture.retries).toHaveLength(1);
  });

  it("notifies a runner's own URL of every task, awake or not", async () => {
    const runner = await online({ webhookUrl: 'https://hooks.example/x', maxParallelTasks: 0 });
    const template = fixture.addTemplate();
    await fixture.start(template);
    await fixture.start(template);
    expect(fixture.sent).toEqual(['start https://hooks.example/x', 'start https://hooks.example/x']);
    expect((await fixture.reload(runner)).assigned).toHaveLength(2);
  });
});

describe('claiming', () => {
  it('moves a task that is assigned to another runner to a slot of the claiming one', async () => {
    const claimer = await online({ tags: ['sydney', 'tokyo'], maxParallelTasks: 1 });
    await fixture.start(fixture.addTemplate({ tag: 'tokyo' }));
    const assignee = await fixture.addRunner({ tags: ['sydney'], instanceId: anInstance() });
    const task = await fixture.start(fixture.addTemplate({ tag: 'sydney' }));
    expect((await fixture.reload(assignee)).assigned).toEqual([task.id]);
    expect(await fixture.claim(claimer, task)).toMatchObject({ ok: true, claim: { taskId: task.id } });
    expect((await fixture.reload(claimer)).slots).toEqual([task.id]);
    expect((await fixture.reload(assignee)).assigned).toEqual([]);
  });

  it('assigns a displaced task again, to the runner that started for the other task', async () => {
    const template = fixture.addTemplate({ tag: 'sydney' });
    const starting = await fixture.addRunner({
      tags: ['sydney'],
      maxParallelTasks: 1,
      instanceId: anInstance(),
    });
    const first = await fixture.start(template);
    const claimer = await online({ tags: ['sydney'], maxParallelTasks: 1 });
    const second = await fixture.start(template);
    expect((await fixture.reload(claimer)).assigned).toEqual([second.id]);
    expect(await fixture.claim(claimer, first)).toMatchObject({ ok: true, claim: { taskId: first.id } });
    expect(await fixture.reload(claimer)).toMatchObject({ slots: [first.id], assigned: [] });
    expect((await fixture.reload(starting)).assigned).toEqual([second.id]);
  });

  it('is refused with "try later" while all slots are taken, and for good when nothing waits', async () => {
    const template = fixture.addTemplate();
    const runner = await online();
    const [first, second] = [await fixture.start(template), await fixture.start(template)];
    await fixture.claim(runner, first);
    expect(await fixture.claim(runner, second)).toEqual({ ok: false, code: 'try_later' });
    await finishTask(fixture.deps, leaseOn(runner, first.id), success);
    await stopTask(fixture.deps, second, 'Ann');
    expect(await fixture.claim(runner, first)).toEqual({ ok: false, code: 'not_claimable' });
    expect((await fixture.reload(runner)).slots).toEqual([]);
  });

  it('has the doorbell of an ended task removed, also when it gives another, and that of a waiting one kept', async () => {
    const template = fixture.addTemplate();
    const runner = await online({ maxParallelTasks: 2 });
    const ended = await fixture.start(template);
    await fixture.claim(runner, ended);
    await finishTask(fixture.deps, leaseOn(runner, ended.id), success);
    const [first, second] = [await fixture.start(template), await fixture.start(template)];
    expect(await fixture.claim(runner, second)).toMatchObject({ claim: { taskId: first.id } });
    expect(await fixture.claim(runner, ended)).toMatchObject({ claim: { taskId: second.id, forget: true } });
    await finishTask(fixture.deps, leaseOn(runner, first.id), success);
    const [third, fourth] = [await fixture.start(template), await fixture.start(template)];
    const claim = await fixture.claim(runner, fourth);
    expect(claim).toMatchObject({ ok: true, claim: { taskId: third.id } });
    expect(claim).not.toMatchObject({ claim: { forget: true } });
  });

  it('gives the first waiting task, in order of arrival, whichever rang', async () => {
    const runner = await online({ maxParallelTasks: 0 });
    const template = fixture.addTemplate();
    const tasks = [
      await fixture.start(template),
      await fixture.start(template),
      await fixture.start(template),
    ];
    const given = [];
    for (const rung of [tasks[2], tasks[0], tasks[1]]) {
      const result = rung && (await fixture.claim(runner, rung));
      given.push(result?.ok ? result.claim.taskId : undefined);
    }
    expect(given).toEqual(tasks.map(({ id }) => id));
  });

  it('drops the doorbell of a stopped task while the runner is full and others wait', async () => {
    const runner = await online();
    const template = fixture.addTemplate();
    const [first, gone] = [await fixture.start(template), await fixture.start(template)];
    await fixture.start(template);
    await fixture.claim(runner, first);
    await stopTask(fixture.deps, gone, 'Ann');
    expect(await fixture.claim(runner, gone)).toEqual({ ok: false, code: 'not_claimable' });
  });

  it('drops it also when nothing else waits, so that an agent is not refused every few seconds', async () => {
    const runner = await online();
    const template = fixture.addTemplate();
    const [first, gone] = [await fixture.start(template), await fixture.start(template)];
    await fixture.claim(runner, first);
    expect(await fixture.claim(runner, gone)).toEqual({ ok: false, code: 'try_later' });
    await stopTask(fixture.deps, gone, 'Ann');
    expect(await fixture.claim(runner, gone)).toEqual({ ok: false, code: 'not_claimable' });
    await fixture.deps.runners.requestDrain(await fixture.reload(runner), fixture.deps.now());
    expect(await fixture.claim(runner, gone)).toEqual({ ok: false, code: 'not_claimable' });
  });

  it('gives higher priorities first, and a returned task at its old place', async () => {
    const runner = await online({ maxParallelTasks: 0 });
    const template = fixture.addTemplate();
    const first = await fixture.start(template);
    const urgent = await fixture.start(fixture.addTemplate({ priority: 10 }));
    const last = await fixture.start(template);
    expect(await fixture.claim(runner, last)).toMatchObject({ claim: { taskId: urgent.id } });
    expect(await fixture.claim(runner, last)).toMatchObject({ claim: { taskId: first.id } });
    await finishTask(fixture.deps, leaseOn(runner, first.id), { ...success, status: 'handed_back' });
    expect(await fixture.claim(runner, last)).toMatchObject({ claim: { taskId: first.id, attempt: 2 } });
  });

  it('gives a task again when the response was lost, even if another task rang', async () => {
    const runner = await online({ maxParallelTasks: 0 });
    const template = fixture.addTemplate();
    const [first, rung] = [await fixture.start(template), await fixture.start(template)];
    const request = { projectId: fixture.projectId, taskId: rung.id };
    await claimTask(fixture.deps, fixture.agentOf(runner), request);
    const again = await claimTask(fixture.deps, fixture.agentOf(runner), { ...request, again: true });
    expect(again).toMatchObject({ claim: { taskId: first.id, attempt: 1 } });
    expect(await statusOf(rung)).toBe('waiting');
  });

  it('assigns the task that rang to another runner, when an older one took its slot', async () => {
    const template = fixture.addTemplate();
    const claimer = await online();
    const rung = await fixture.start(template);
    const other = await fixture.addRunner({ instanceId: anInstance() });
    const second = await fixture.start(fixture.addTemplate({ priority: 1 }));
    expect((await fixture.reload(other)).assigned).toEqual([second.id]);
    expect(await fixture.claim(claimer, rung)).toMatchObject({ claim: { taskId: second.id } });
    expect(await fixture.reload(claimer)).toMatchObject({ slots: [second.id], assigned: [] });
    expect((await fixture.reload(other)).assigned).toEqual([rung.id]);
  });

  it('does not cost a runner its slot when the doorbell of its own task rings twice', async () => {
    const runner = await online({ maxParallelTasks: 0 });
    const task = await fixture.start(fixture.addTemplate());
    await fixture.claim(runner, task);
    expect(await fixture.claim(runner, task)).toEqual({ ok: false, code: 'not_claimable' });
    expect((await fixture.reload(runner)).slots).toEqual([task.id]);
  });

  it('does not reset the idle clock of a runner for a stale doorbell', async () => {
    const runner = await online();
    const task = await fixture.start(fixture.addTemplate());
    await stopTask(fixture.deps, task, 'Ann');
    const { idleSince } = await fixture.reload(runner);
    fixture.pass(30_000);
    expect(await fixture.claim(runner, task)).toEqual({ ok: false, code: 'not_claimable' });
    expect((await fixture.reload(runner)).idleSince).toBe(idleSince);
  });

  it('is not undone by an older heartbeat that arrives later', async () => {
    const runner = await online();
    const task = await fixture.start(fixture.addTemplate());
    await fixture.claim(runner, task);
    await fixture.beat(runner, [], 0);
    expect((await fixture.reload(runner)).slots).toEqual([task.id]);
    await fixture.beat(runner, [], 1);
    expect((await fixture.reload(runner)).slots).toEqual([]);
  });

  it('gives nothing to a runner of another tag', async () => {
    await fixture.addRunner({ tags: ['sydney'], instanceId: anInstance() });
    const task = await fixture.start(fixture.addTemplate({ tag: 'sydney' }));
    const tokyo = await online({ tags: ['tokyo'] });
    expect(await fixture.claim(tokyo, task)).toEqual({ ok: false, code: 'not_claimable' });
    expect(await statusOf(task)).toBe('waiting');
    expect((await fixture.reload(tokyo)).slots).toEqual([]);
  });

  it('ends a task with the reason when its template was removed meanwhile', async () => {
    const runner = await online();
    const template = fixture.addTemplate();
    const task = await fixture.start(template);
    fixture.deps.readTaskParts = async () => undefined;
    expect(await fixture.claim(runner, task)).toEqual({ ok: false, code: 'not_claimable' });
    expect(await fixture.deps.tasks.get(fixture.projectId, task.id)).toMatchObject({
      status: 'error',
      reason: /removed/,
    });
    expect((await fixture.reload(runner)).slots).toEqual([]);
  });
});

describe('sleeping', () => {
  it("takes an idle runner from online to stopping, at its agent's request", async () => {
    const runner = await online({ idleTimeoutMs: 0 });
    expect(await drain(fixture.deps, fixture.agentOf(runner))).toEqual({ sleep: true });
    expect(fixture.powerRequests).toEqual([runner.id]);
    await stopDrained(fixture.deps, await fixture.reload(runner));
    expect((await fixture.reload(runner)).status).toBe('stopping');
    expect(fixture.calls).toEqual([`stop ${runner.instanceId}`]);
  });

  it('refuses to drain too soon, or while a task is assigned to the runner, which it names', async () => {
    const early = await online({ idleTimeoutMs: 90_000 });
    fixture.pass(20_000);
    expect(await drain(fixture.deps, fixture.agentOf(early))).toEqual({ sleep: false, waitMs: 70_000 });
    fixture.pass(70_000);
    const { projectId, id: taskId, queue } = await fixture.start(fixture.addTemplate());
    const next = { projectId, taskId, queue };
    expect(await drain(fixture.deps, fixture.agentOf(early))).toEqual({ sleep: false, next });
    expect((await fixture.reload(early)).status).toBe('online');
  });

  it('sends the paid time of its start to an agent without an idle timeout', async () => {
    const runner = await online();
    fixture.pass(20_000);
    expect((await fixture.beat(runner))?.settings).toMatchObject({ idleTimeoutMs: 0, stayMs: 38_000 });
    expect(await drain(fixture.deps, fixture.agentOf(runner))).toEqual({ sleep: false, waitMs: 38_000 });
    fixture.pass(38_000);
    expect(await drain(fixture.deps, fixture.agentOf(runner))).toEqual({ sleep: true });
  });

  it('is cancelled when work comes between the drain and the stop', async () => {
    const runner = await online({ idleTimeoutMs: 0 });
    await drain(fixture.deps, fixture.agentOf(runner));
    const before = await fixture.reload(runner);
    const task = await fixture.start(fixture.addTemplate());
    await stopDrained(fixture.deps, before);
    expect(await fixture.reload(runner)).toMatchObject({ status: 'online', assigned: [task.id] });
    expect(fixture.calls).toEqual([]);
    expect((await fixture.beat(runner))?.drain).toBe(false);
  });

  it('restarts an instance that was still stopping when work came', async () => {
    const runner = await online({ idleTimeoutMs: 0 });
    await putToSleep(fixture.deps, runner);
    const task = await fixture.start(fixture.addTemplate());
    await fixture.wake(runner);
    expect(await fixture.reload(runner)).toMatchObject({ status: 'stopping', assigned: [task.id] });
    await fixture.instanceBecomes(runner, 'stopped');
    expect((await fixture.reload(runner)).status).toBe('starting');
    expect(fixture.calls).toEqual([`stop ${runner.instanceId}`, `start ${runner.instanceId}`]);
  });

  it('keeps the tasks of a runner whose instance is stopped during its start', async () => {
    const runner = await fixture.addRunner({ instanceId: anInstance() });
    const task = await fixture.start(fixture.addTemplate());
    fixture.setInstance(runner, 'stopping');
    await fixture.wake(runner);
    await fixture.instanceBecomes(runner, 'stopped');
    expect(await fixture.reload(runner)).toMatchObject({ status: 'starting', assigned: [task.id] });
    expect(fixture.calls).toEqual([`start ${runner.instanceId}`, `start ${runner.instanceId}`]);
  });

  it('does not restart an instance before EC2 reports the stop, else its runner stays stopping', async () => {
    const runner = await online({ idleTimeoutMs: 0 });
    await putToSleep(fixture.deps, runner);
    await fixture.start(fixture.addTemplate());
    fixture.setInstance(runner, 'stopped');
    await fixture.wake(runner);
    const facts = await fixture.deps.instances.describe(runner);
    await followInstance(fixture.deps, await fixture.reload(runner), facts, fixture.deps.now());
    await fixture.instanceBecomes(runner, 'running');
    expect((await fixture.beat(runner))?.drain).toBe(false);
    expect((await fixture.reload(runner)).status).toBe('online');
  });

  it('ignores an EC2 state from before a restart of the runner', async () => {
    const runner = await online({ idleTimeoutMs: 0 });
    await putToSleep(fixture.deps, runner);
    await fixture.start(fixture.addTemplate());
    const asRead = await fixture.reload(runner);
    const stopping = fixture.setInstance(runner, 'stopping');
    fixture.pass(10);
    await fixture.instanceBecomes(runner, 'stopped');
    const startedAgain = await fixture.reload(runner);
    await followInstance(fixture.deps, asRead, stopping, fixture.deps.now());
    expect(await fixture.reload(runner)).toMatchObject({
      status: 'starting',
      assigned: startedAgain.assigned,
    });
  });

  it('ignores a stop of a runner that was asleep when it was read', async () => {
    const runner = await online();
    fixture.pass(10);
    await fixture.instanceBecomes(runner, 'stopped');
    fixture.pass(10);
    const asleep = await fixture.reload(runner);
    await fixture.start(fixture.addTemplate());
    const stopping = fixture.setInstance(runner, 'stopping');
    await followInstance(fixture.deps, asleep, stopping, fixture.deps.now());
    expect((await fixture.reload(runner)).status).toBe('starting');
  });

  it('loses no task between two concurrent events of EC2', async () => {
    const runner = await online({ idleTimeoutMs: 0 });
    await putToSleep(fixture.deps, runner);
    const asRead = await fixture.reload(runner);
    const task = await fixture.start(fixture.addTemplate());
    fixture.pass(10);
    await fixture.instanceBecomes(runner, 'stopping');
    const stopped = fixture.setInstance(runner, 'stopped');
    await followInstance(fixture.deps, asRead, stopped, fixture.deps.now());
    expect(await fixture.reload(runner)).toMatchObject({ status: 'starting', assigned: [task.id] });
  });

  it('bills a session from running to stopping, once, despite repeated events', async () => {
    const runner = await online();
    await fixture.instanceBecomes(runner, 'running');
    fixture.pass(90_000);
    await fixture.instanceBecomes(runner, 'stopping');
    fixture.pass(5_000);
    await fixture.instanceBecomes(runner, 'stopping');
    await fixture.instanceBecomes(runner, 'stopped');
    const sessions = await fixture.deps.sessions.listBetween(
      fixture.projectId,
      'ses_00000000000000000000000000',
      'ses_7ZZZZZZZZZZZZZZZZZZZZZZZZZ',
    );
    expect(sessions).toMatchObject([
      { startedAt: '2026-01-01T12:00:00.000Z', endedAt: '2026-01-01T12:01:30.000Z' },
    ]);
  });
});

describe('the reconciler', () => {
  it('continues with all others when one repair fails', async () => {
    const lost = [await online(), await online(), await online()];
    const template = fixture.addTemplate();
    for (const runner of lost) await fixture.claim(runner, await fixture.start(template));
    fixture.pass(leaseMs + 1);
    const { instances } = fixture.deps;
    const describe: typeof instances.describe = async (runner) => {
      if (runner.instanceId === lost[0]?.instanceId) throw new Error('EC2 does not tell');
      return instances.describe(runner);
    };
    const repairs = await reconcile({ ...fixture.deps, instances: { ...instances, describe } });
    expect(repairs).toMatchObject({ failed_and_left_for_later: 1, lease_lapsed: 3 });
  });
});

describe('losing a runner', () => {
  const held = async (onRunnerLost: 'retry' | 'fail' = 'retry') => {
    const runner = await online();
    const task = await fixture.start(fixture.addTemplate({ onRunnerLost }));
    await fixture.claim(runner, task);
    return { runner, task };
  };

  it('queues a task again when its lease lapsed, and rejects reports of the lost attempt', async () => {
    const { runner, task } = await held();
    fixture.pass(leaseMs + 1);
    expect(await reconcile(fixture.deps)).toMatchObject({ lease_lapsed: 1 });
    expect(await fixture.deps.tasks.get(fixture.projectId, task.id)).toMatchObject({
      status: 'waiting',
      attempt: 2,
    });
    expect(await finishTask(fixture.deps, leaseOn(runner, task.id), success)).toEqual({
      ok: false,
      code: 'lease_lost',
    });
    expect(await statusOf(task)).toBe('waiting');
    expect((await fixture.beat(runner, [task]))?.lost).toEqual([task.id]);
  });

  it('ends the task with a reason when its template forbids another run', async () => {
    const { task } = await held('fail');
    fixture.pass(leaseMs + 1);
    await reconcile(fixture.deps);
    expect(await fixture.deps.tasks.get(fixture.projectId, task.id)).toMatchObject({
      status: 'error',
      reason: expect.stringMatching(/sent no heartbeat in time/),
    });
  });

  it('queues tasks at once that a restarted agent no longer knows', async () => {
    const { runner, task } = await held();
    await fixture.beat(runner, []);
    expect(await fixture.deps.tasks.get(fixture.projectId, task.id)).toMatchObject({
      status: 'waiting',
      attempt: 2,
    });
    expect((await fixture.reload(runner)).slots).toEqual([]);
  });

  it('queues the tasks of a stopped instance again', async () => {
    const { runner, task } = await held();
    await fixture.instanceBecomes(runner, 'stopped');
    expect(await fixture.deps.tasks.get(fixture.projectId, task.id)).toMatchObject({ attempt: 2 });
    expect(await fixture.reload(runner)).toMatchObject({ slots: [], assigned: [task.id] });
  });

  it('keeps the lease of a runner that renews it', async () => {
    const { runner, task } = await held();
    for (let beats = 0; beats < 10; beats++) {
      fixture.pass(leaseMs / 2);
      await fixture.beat(runner, [task]);
      expect(await reconcile(fixture.deps)).toEqual({});
    }
    expect(await statusOf(task)).toBe('starting');
  });
});

describe('a task that ends', () => {
  it('frees its slot and sends the finish event once, despite repeated reports', async () => {
    const runner = await online({ idleTimeoutMs: 0 });
    const task = await fixture.start(fixture.addTemplate());
    await fixture.claim(runner, task);
    fixture.pass(5_000);
    expect(await finishTask(fixture.deps, leaseOn(runner, task.id), success)).toEqual({ ok: true });
    expect(await finishTask(fixture.deps, leaseOn(runner, task.id), success)).toEqual({ ok: true });
    expect(await fixture.reload(runner)).toMatchObject({ slots: [], assigned: [], busyMs: 5_000 });
    expect(fixture.sent).toEqual(['finish https://api.test/webhooks/task-finish']);
  });

  it('sends no finish event to our own function while the runner has another task or may not sleep yet', async () => {
    const template = fixture.addTemplate();
    const runner = await online({ maxParallelTasks: 2, idleTimeoutMs: 90_000 });
    const [one, other] = [await fixture.start(template), await fixture.start(template)];
    await fixture.claim(runner, one);
    await fixture.claim(runner, other);
    fixture.pass(120_000);
    await fixture.beat(runner, [one, other]);
    await finishTask(fixture.deps, leaseOn(runner, one.id), success);
    await finishTask(fixture.deps, leaseOn(runner, other.id), success);
    expect(fixture.sent).toEqual([]);
  });

  it('sends each finish event to a receiver of its own', async () => {
    const template = fixture.addTemplate();
    const webhookUrl = 'https://receiver.test/hook';
    const runner = await online({ maxParallelTasks: 2, idleTimeoutMs: 90_000, webhookUrl });
    const [one, other] = [await fixture.start(template), await fixture.start(template)];
    await fixture.claim(runner, one);
    await fixture.claim(runner, other);
    fixture.sent.length = 0;
    await finishTask(fixture.deps, leaseOn(runner, one.id), success);
    await finishTask(fixture.deps, leaseOn(runner, other.id), success);
    expect(fixture.sent).toEqual([`finish ${webhookUrl}`, `finish ${webhookUrl}`]);
  });

  it('is taken from its runner when it is stopped while waiting', async () => {
    const runner = await fixture.addRunner({ instanceId: anInstance() });
    const task = await fixture.start(fixture.addTemplate());
    expect(await stopTask(fixture.deps, task, 'Ann')).toMatchObject({
      status: 'stopped',
      reason: 'Stopped by Ann.',
    });
    expect((await fixture.reload(runner)).assigned).toEqual([]);
    expect(await stopTask(fixture.deps, task, 'Ann')).toBeUndefined();
  });

  it('is stopped through the runner that has it', async () => {
    const runner = await online();
    const task = await fixture.start(fixture.addTemplate());
    await fixture.claim(runner, task);
    expect(await stopTask(fixture.deps, task, 'Ann')).toMatchObject({ status: 'stopping' });
    expect((await fixture.beat(runner, [task]))?.leases).toMatchObject([{ taskId: task.id, stop: true }]);
  });
});

describe('reconciling', () => {
  it('rings again for a task that waits beside a free slot', async () => {
    await online();
    await fixture.start(fixture.addTemplate());
    fixture.rung.length = 0;
    expect(await reconcile(fixture.deps)).toEqual({ doorbell_rung_again: 1 });
    expect(fixture.rung).toHaveLength(1);
  });

  it('assigns a task that a crash left without a runner', async () => {
    const runner = await fixture.addRunner({ instanceId: anInstance() });
    const task = await fixture.start(fixture.addTemplate());
    await fixture.deps.runners.unassign(runner, task);
    await reconcile(fixture.deps);
    expect((await fixture.reload(runner)).assigned).toEqual([task.id]);
  });

  it('takes a task that waits no longer from its runner, and stops the runner if it has no other', async () => {
    const runner = await fixture.addRunner({ instanceId: anInstance() });
    const task = await fixture.start(fixture.addTemplate());
    await fixture.deps.tasks.stopWaiting(task, 'enough', fixture.deps.now());
    fixture.pass(31_000);
    await reconcile(fixture.deps);
    expect((await fixture.reload(runner)).assigned).toEqual([]);
    await reconcile(fixture.deps);
    expect(fixture.calls.at(-1)).toBe(`stop ${runner.instanceId}`);
  });

  it('stops an idle instance whose agent never requested it', async () => {
    const runner = await online({ idleTimeoutMs: 1_000 });
    fixture.pass(120_000);
    await fixture.beat(runner);
    expect(await reconcile(fixture.deps)).toEqual({ runner_put_to_sleep: 1 });
    expect((await fixture.reload(runner)).status).toBe('stopping');
  });

  it('gives the task of a runner that EC2 refuses to start to another, and keeps the reason', async () => {
    const instanceId = anInstance();
    const faulty = await fixture.addRunner({ instanceId });
    fixture.refuseStart(instanceId, {
      started: false,
      code: 'refused',
      awsCode: 'InsufficientInstanceCapacity',
      detail: 'No room.',
    });
    const task = await fixture.start(fixture.addTemplate());
    await fixture.wake(faulty);
    expect((await fixture.reload(faulty)).fault).toMatchObject({ code: 'InsufficientInstanceCapacity' });
    const other = await fixture.addRunner({ instanceId: anInstance() });
    await reconcile(fixture.deps);
    expect((await fixture.reload(other)).assigned).toEqual([task.id]);
    expect((await fixture.reload(faulty)).assigned).toEqual([]);
  });

  it('ends an attempt whose runner was removed after it had lost the slot', async () => {
    const runner = await online();
    const task = await fixture.start(fixture.addTemplate());
    await fixture.claim(runner, task);
    const { leaseUntil } = await fixture.reload(runner);
    await fixture.deps.runners.revokeSlot(runner, task, fixture.deps.now(), leaseUntil);
    await fixture.instanceBecomes(runner, 'stopped');
    expect(await fixture.deps.runners.remove(runner)).toBe(true);
    expect(await reconcile(fixture.deps)).toMatchObject({ slotless_task: 1 });
    expect(await fixture.deps.tasks.get(fixture.projectId, task.id)).toMatchObject({
      status: 'waiting',
      attempt: 2,
    });
  });

  it('reassigns tasks that a crashed change of tags left in a queue without a poller', async () => {
    const before = await online();
    const task = await fixture.start(fixture.addTemplate());
    expect(await fixture.reload(before)).toMatchObject({ assigned: [task.id] });
    const other = await fixture.addRunner({ instanceId: anInstance() });
    const { name, instanceId } = before;
    await fixture.deps.runners.configure(before, runnerInput.parse({ name, instanceId, tags: ['tokyo'] }));
    await reconcile(fixture.deps);
    expect(await fixture.deps.tasks.get(fixture.projectId, task.id)).toMatchObject({ runnerId: other.id });
    await reconcile(fixture.deps);
    expect(await fixture.reload(before)).toMatchObject({ assigned: [] });
  });

  it('repairs nothing when all is quiet', async () => {
    await fixture.addRunner({ instanceId: anInstance() });
    expect(await reconcile(fixture.deps)).toEqual({});
  });
});

describe('removing a runner', () => {
  it('removes the queue that no other runner polls, and only while it sleeps', async () => {
    const first = await fixture.addRunner({ tags: ['sydney'], instanceId: anInstance() });
    const second = await fixture.addRunner({ tags: ['sydney'], instanceId: anInstance() });
    expect(await removeRunner(fixture.deps, first)).toBe(true);
    expect(fixture.queues).toEqual(new Set([`${fixture.projectId}-sydney`, controlQueueOf(second)]));
    await fixture.start(fixture.addTemplate({ tag: 'sydney' }));
    expect(await removeRunner(fixture.deps, second)).toBe(false);
  });
});
