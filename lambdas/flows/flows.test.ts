import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { leaseMs, runnerInput } from '../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../test/dynamodb.ts';
import { controlQueueOf } from '../core/tasks/routing.ts';
import { reconcile } from './reconcile.ts';
import { drain } from './runners/heartbeat.ts';
import { followInstance } from './runners/instance-state.ts';
import { putToSleep, stopDrained } from './runners/power.ts';
import { removeRunner } from './runners/runner-setup.ts';
import { claimTask } from './tasks/claim.ts';
import { finishTask } from './tasks/report.ts';
import { stopTask } from './tasks/start-task.ts';
import { type Bench, flowBench } from './testing.ts';

let table: TestTable;
let bench: Bench;
beforeEach(async () => {
  table = await openTestTable();
  bench = flowBench(table.table);
});
afterEach(() => table?.close());

let made = 0;
const anInstance = () => `i-${String(++made).padStart(17, '0')}`;

const success = { status: 'success', exitCode: 0, logChunks: 1, lease: '' } as const;

/** A runner with its agent online. */
const online = async (input: Parameters<Bench['addRunner']>[0] = {}) => {
  const runner = await bench.addRunner({ instanceId: anInstance(), ...input });
  await bench.instanceBecomes(runner, 'running');
  await bench.beat(runner);
  return bench.reload(runner);
};

const leaseOn = (runner: Awaited<ReturnType<typeof online>>, taskId: `tsk_${string}`, attempt = 1) => ({
  ...bench.agentOf(runner),
  projectId: bench.projectId,
  taskId,
  attempt,
});

const statusOf = async (task: { id: string }) =>
  (await bench.deps.tasks.get(bench.projectId, task.id))?.status;

describe('placing a task', () => {
  it('wakes the stopped runner of its tag, rings, and sends the start event once', async () => {
    const runner = await bench.addRunner({ tags: ['sydney'], instanceId: anInstance() });
    const task = await bench.start(bench.addTemplate({ tag: 'sydney' }));
    expect(await bench.reload(runner)).toMatchObject({ status: 'starting', demand: [task.id] });
    expect(bench.rung).toEqual([
      {
        queue: `${bench.projectId}-sydney`,
        doorbell: {
          projectId: bench.projectId,
          taskId: task.id,
          queue: `${bench.projectId}-sydney`,
          aloneAt: bench.deps.now(),
        },
      },
    ]);
    expect(bench.sent).toEqual(['start https://api.test/webhooks/task-start']);
  });

  it('wakes a second runner only for a task without a slot on the first', async () => {
    const runners = [
      await bench.addRunner({ maxParallelTasks: 2, instanceId: anInstance() }),
      await bench.addRunner({ maxParallelTasks: 2, instanceId: anInstance() }),
    ];
    const template = bench.addTemplate();
    const awake = async () =>
      (await Promise.all(runners.map(bench.reload))).filter(({ status }) => status === 'starting').length;
    await bench.start(template);
    await bench.start(template);
    expect(await awake()).toBe(1);
    await bench.start(template);
    expect(await awake()).toBe(2);
  });

  it('lets a task wait without a runner, and places it when one is created', async () => {
    const task = await bench.start(bench.addTemplate({ tag: 'sydney' }));
    expect(bench.rung).toEqual([]);
    const runner = await bench.addRunner({ tags: ['sydney'], instanceId: anInstance() });
    expect(await bench.reload(runner)).toMatchObject({ status: 'starting', demand: [task.id] });
  });

  it('retries an unacknowledged start event', async () => {
    bench.setReceiver(false);
    await bench.addRunner({ instanceId: anInstance() });
    await bench.start(bench.addTemplate());
    expect(bench.retries).toHaveLength(1);
  });

  it("notifies a runner's own URL of every task, awake or not", async () => {
    const runner = await online({ webhookUrl: 'https://hooks.example/x', maxParallelTasks: 0 });
    const template = bench.addTemplate();
    await bench.start(template);
    await bench.start(template);
    expect(bench.sent).toEqual(['start https://hooks.example/x', 'start https://hooks.example/x']);
    expect((await bench.reload(runner)).demand).toHaveLength(2);
  });
});

describe('claiming', () => {
  it("moves the task from its runner's demand to a slot of the claiming runner", async () => {
    const claimer = await online({ tags: ['sydney', 'tokyo'], maxParallelTasks: 1 });
    await bench.start(bench.addTemplate({ tag: 'tokyo' }));
    const owing = await bench.addRunner({ tags: ['sydney'], instanceId: anInstance() });
    const task = await bench.start(bench.addTemplate({ tag: 'sydney' }));
    expect((await bench.reload(owing)).demand).toEqual([task.id]);
    expect(await bench.claim(claimer, task)).toMatchObject({ ok: true, claim: { taskId: task.id } });
    expect((await bench.reload(claimer)).slots).toEqual([task.id]);
    expect((await bench.reload(owing)).demand).toEqual([]);
  });

  it('places a displaced task again, on the runner that started for the other task', async () => {
    const template = bench.addTemplate({ tag: 'sydney' });
    const starting = await bench.addRunner({
      tags: ['sydney'],
      maxParallelTasks: 1,
      instanceId: anInstance(),
    });
    const first = await bench.start(template);
    const claimer = await online({ tags: ['sydney'], maxParallelTasks: 1 });
    const second = await bench.start(template);
    expect((await bench.reload(claimer)).demand).toEqual([second.id]);
    expect(await bench.claim(claimer, first)).toMatchObject({ ok: true, claim: { taskId: first.id } });
    expect(await bench.reload(claimer)).toMatchObject({ slots: [first.id], demand: [] });
    expect((await bench.reload(starting)).demand).toEqual([second.id]);
  });

  it('is refused with "try later" while all slots are taken, and for good when nothing waits', async () => {
    const template = bench.addTemplate();
    const runner = await online();
    const [first, second] = [await bench.start(template), await bench.start(template)];
    await bench.claim(runner, first);
    expect(await bench.claim(runner, second)).toEqual({ ok: false, code: 'try_later' });
    await finishTask(bench.deps, leaseOn(runner, first.id), success);
    await stopTask(bench.deps, second, 'Ann');
    expect(await bench.claim(runner, first)).toEqual({ ok: false, code: 'not_claimable' });
    expect((await bench.reload(runner)).slots).toEqual([]);
  });

  it('gives the first waiting task, in order of arrival, whichever rang', async () => {
    const runner = await online({ maxParallelTasks: 0 });
    const template = bench.addTemplate();
    const tasks = [await bench.start(template), await bench.start(template), await bench.start(template)];
    const given = [];
    for (const rung of [tasks[2], tasks[0], tasks[1]]) {
      const result = rung && (await bench.claim(runner, rung));
      given.push(result?.ok ? result.claim.taskId : undefined);
    }
    expect(given).toEqual(tasks.map(({ id }) => id));
  });

  it('drops the doorbell of a stopped task while the runner is full and others wait', async () => {
    const runner = await online();
    const template = bench.addTemplate();
    const [first, gone] = [await bench.start(template), await bench.start(template)];
    await bench.start(template);
    await bench.claim(runner, first);
    await stopTask(bench.deps, gone, 'Ann');
    expect(await bench.claim(runner, gone)).toEqual({ ok: false, code: 'not_claimable' });
  });

  it('drops it also when nothing else waits, so that an agent is not refused every few seconds', async () => {
    const runner = await online();
    const template = bench.addTemplate();
    const [first, gone] = [await bench.start(template), await bench.start(template)];
    await bench.claim(runner, first);
    expect(await bench.claim(runner, gone)).toEqual({ ok: false, code: 'try_later' });
    await stopTask(bench.deps, gone, 'Ann');
    expect(await bench.claim(runner, gone)).toEqual({ ok: false, code: 'not_claimable' });
    await bench.deps.runners.requestDrain(await bench.reload(runner), bench.deps.now());
    expect(await bench.claim(runner, gone)).toEqual({ ok: false, code: 'not_claimable' });
  });

  it('gives higher priorities first, and a returned task at its old place', async () => {
    const runner = await online({ maxParallelTasks: 0 });
    const template = bench.addTemplate();
    const first = await bench.start(template);
    const urgent = await bench.start(bench.addTemplate({ priority: 10 }));
    const last = await bench.start(template);
    expect(await bench.claim(runner, last)).toMatchObject({ claim: { taskId: urgent.id } });
    expect(await bench.claim(runner, last)).toMatchObject({ claim: { taskId: first.id } });
    await finishTask(bench.deps, leaseOn(runner, first.id), { ...success, status: 'handed_back' });
    expect(await bench.claim(runner, last)).toMatchObject({ claim: { taskId: first.id, attempt: 2 } });
  });

  it('gives a task again when the response was lost, even if another task rang', async () => {
    const runner = await online({ maxParallelTasks: 0 });
    const template = bench.addTemplate();
    const [first, rung] = [await bench.start(template), await bench.start(template)];
    const request = { projectId: bench.projectId, taskId: rung.id };
    await claimTask(bench.deps, bench.agentOf(runner), request);
    const again = await claimTask(bench.deps, bench.agentOf(runner), { ...request, again: true });
    expect(again).toMatchObject({ claim: { taskId: first.id, attempt: 1 } });
    expect(await statusOf(rung)).toBe('waiting');
  });

  it('assigns the task that rang to another runner, when an older one took its slot', async () => {
    const template = bench.addTemplate();
    const claimer = await online();
    const rung = await bench.start(template);
    const other = await bench.addRunner({ instanceId: anInstance() });
    const second = await bench.start(bench.addTemplate({ priority: 1 }));
    expect((await bench.reload(other)).demand).toEqual([second.id]);
    expect(await bench.claim(claimer, rung)).toMatchObject({ claim: { taskId: second.id } });
    expect(await bench.reload(claimer)).toMatchObject({ slots: [second.id], demand: [] });
    expect((await bench.reload(other)).demand).toEqual([rung.id]);
  });

  it('does not cost a runner its slot when the doorbell of its own task rings twice', async () => {
    const runner = await online({ maxParallelTasks: 0 });
    const task = await bench.start(bench.addTemplate());
    await bench.claim(runner, task);
    expect(await bench.claim(runner, task)).toEqual({ ok: false, code: 'not_claimable' });
    expect((await bench.reload(runner)).slots).toEqual([task.id]);
  });

  it('does not reset the idle clock of a runner for a stale doorbell', async () => {
    const runner = await online();
    const task = await bench.start(bench.addTemplate());
    await stopTask(bench.deps, task, 'Ann');
    const { idleSince } = await bench.reload(runner);
    bench.pass(30_000);
    expect(await bench.claim(runner, task)).toEqual({ ok: false, code: 'not_claimable' });
    expect((await bench.reload(runner)).idleSince).toBe(idleSince);
  });

  it('is not undone by an older heartbeat that arrives later', async () => {
    const runner = await online();
    const task = await bench.start(bench.addTemplate());
    await bench.claim(runner, task);
    await bench.beat(runner, [], 0);
    expect((await bench.reload(runner)).slots).toEqual([task.id]);
    await bench.beat(runner, [], 1);
    expect((await bench.reload(runner)).slots).toEqual([]);
  });

  it('gives nothing to a runner of another tag', async () => {
    await bench.addRunner({ tags: ['sydney'], instanceId: anInstance() });
    const task = await bench.start(bench.addTemplate({ tag: 'sydney' }));
    const tokyo = await online({ tags: ['tokyo'] });
    expect(await bench.claim(tokyo, task)).toEqual({ ok: false, code: 'not_claimable' });
    expect(await statusOf(task)).toBe('waiting');
    expect((await bench.reload(tokyo)).slots).toEqual([]);
  });

  it('ends a task with the reason when its template was removed meanwhile', async () => {
    const runner = await online();
    const template = bench.addTemplate();
    const task = await bench.start(template);
    bench.deps.readTaskParts = async () => undefined;
    expect(await bench.claim(runner, task)).toEqual({ ok: false, code: 'not_claimable' });
    expect(await bench.deps.tasks.get(bench.projectId, task.id)).toMatchObject({
      status: 'error',
      reason: /removed/,
    });
    expect((await bench.reload(runner)).slots).toEqual([]);
  });
});

describe('sleeping', () => {
  it("takes an idle runner from online to stopping, at its agent's request", async () => {
    const runner = await online({ idleTimeoutMs: 0 });
    expect(await drain(bench.deps, bench.agentOf(runner))).toEqual({ sleep: true });
    expect(bench.powerRequests).toEqual([runner.id]);
    await stopDrained(bench.deps, await bench.reload(runner));
    expect((await bench.reload(runner)).status).toBe('stopping');
    expect(bench.calls).toEqual([`stop ${runner.instanceId}`]);
  });

  it('refuses to drain too soon, or while the runner has demand', async () => {
    const early = await online({ idleTimeoutMs: 90_000 });
    bench.pass(20_000);
    expect(await drain(bench.deps, bench.agentOf(early))).toEqual({ sleep: false, waitMs: 70_000 });
    bench.pass(70_000);
    await bench.start(bench.addTemplate());
    expect(await drain(bench.deps, bench.agentOf(early))).toEqual({ sleep: false });
    expect((await bench.reload(early)).status).toBe('online');
  });

  it('sends the paid time of its start to an agent without an idle timeout', async () => {
    const runner = await online();
    bench.pass(20_000);
    expect((await bench.beat(runner))?.settings).toMatchObject({ idleTimeoutMs: 0, stayMs: 38_000 });
    expect(await drain(bench.deps, bench.agentOf(runner))).toEqual({ sleep: false, waitMs: 38_000 });
    bench.pass(38_000);
    expect(await drain(bench.deps, bench.agentOf(runner))).toEqual({ sleep: true });
  });

  it('is cancelled when work comes between the drain and the stop', async () => {
    const runner = await online({ idleTimeoutMs: 0 });
    await drain(bench.deps, bench.agentOf(runner));
    const before = await bench.reload(runner);
    const task = await bench.start(bench.addTemplate());
    await stopDrained(bench.deps, before);
    expect(await bench.reload(runner)).toMatchObject({ status: 'online', demand: [task.id] });
    expect(bench.calls).toEqual([]);
    expect((await bench.beat(runner))?.drain).toBe(false);
  });

  it('restarts an instance that was still stopping when work came', async () => {
    const runner = await online({ idleTimeoutMs: 0 });
    await putToSleep(bench.deps, runner);
    const task = await bench.start(bench.addTemplate());
    await bench.wake(runner);
    expect(await bench.reload(runner)).toMatchObject({ status: 'stopping', demand: [task.id] });
    await bench.instanceBecomes(runner, 'stopped');
    expect((await bench.reload(runner)).status).toBe('starting');
    expect(bench.calls).toEqual([`stop ${runner.instanceId}`, `start ${runner.instanceId}`]);
  });

  it('keeps the demand of a runner whose instance is stopped during its start', async () => {
    const runner = await bench.addRunner({ instanceId: anInstance() });
    const task = await bench.start(bench.addTemplate());
    bench.setInstance(runner, 'stopping');
    await bench.wake(runner);
    await bench.instanceBecomes(runner, 'stopped');
    expect(await bench.reload(runner)).toMatchObject({ status: 'starting', demand: [task.id] });
    expect(bench.calls).toEqual([`start ${runner.instanceId}`, `start ${runner.instanceId}`]);
  });

  it('does not restart an instance before EC2 reports the stop, else its runner stays stopping', async () => {
    const runner = await online({ idleTimeoutMs: 0 });
    await putToSleep(bench.deps, runner);
    await bench.start(bench.addTemplate());
    bench.setInstance(runner, 'stopped');
    await bench.wake(runner);
    const facts = await bench.deps.instances.describe(runner);
    await followInstance(bench.deps, await bench.reload(runner), facts, bench.deps.now());
    await bench.instanceBecomes(runner, 'running');
    expect((await bench.beat(runner))?.drain).toBe(false);
    expect((await bench.reload(runner)).status).toBe('online');
  });

  it('ignores an EC2 state from before a restart of the runner', async () => {
    const runner = await online({ idleTimeoutMs: 0 });
    await putToSleep(bench.deps, runner);
    await bench.start(bench.addTemplate());
    const asRead = await bench.reload(runner);
    const stopping = bench.setInstance(runner, 'stopping');
    bench.pass(10);
    await bench.instanceBecomes(runner, 'stopped');
    const startedAgain = await bench.reload(runner);
    await followInstance(bench.deps, asRead, stopping, bench.deps.now());
    expect(await bench.reload(runner)).toMatchObject({ status: 'starting', demand: startedAgain.demand });
  });

  it('ignores a stop of a runner that was asleep when it was read', async () => {
    const runner = await online();
    bench.pass(10);
    await bench.instanceBecomes(runner, 'stopped');
    bench.pass(10);
    const asleep = await bench.reload(runner);
    await bench.start(bench.addTemplate());
    const stopping = bench.setInstance(runner, 'stopping');
    await followInstance(bench.deps, asleep, stopping, bench.deps.now());
    expect((await bench.reload(runner)).status).toBe('starting');
  });

  it('loses no demand between two concurrent events of EC2', async () => {
    const runner = await online({ idleTimeoutMs: 0 });
    await putToSleep(bench.deps, runner);
    const asRead = await bench.reload(runner);
    const task = await bench.start(bench.addTemplate());
    bench.pass(10);
    await bench.instanceBecomes(runner, 'stopping');
    const stopped = bench.setInstance(runner, 'stopped');
    await followInstance(bench.deps, asRead, stopped, bench.deps.now());
    expect(await bench.reload(runner)).toMatchObject({ status: 'starting', demand: [task.id] });
  });

  it('bills a session from running to stopping, once, despite repeated events', async () => {
    const runner = await online();
    await bench.instanceBecomes(runner, 'running');
    bench.pass(90_000);
    await bench.instanceBecomes(runner, 'stopping');
    bench.pass(5_000);
    await bench.instanceBecomes(runner, 'stopping');
    await bench.instanceBecomes(runner, 'stopped');
    const sessions = await bench.deps.sessions.listBetween(
      bench.projectId,
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
    const template = bench.addTemplate();
    for (const runner of lost) await bench.claim(runner, await bench.start(template));
    bench.pass(leaseMs + 1);
    const { instances } = bench.deps;
    const describe: typeof instances.describe = async (runner) => {
      if (runner.instanceId === lost[0]?.instanceId) throw new Error('EC2 does not tell');
      return instances.describe(runner);
    };
    const repairs = await reconcile({ ...bench.deps, instances: { ...instances, describe } });
    expect(repairs).toMatchObject({ failed_and_left_for_later: 1, lease_lapsed: 3 });
  });
});

describe('losing a runner', () => {
  const held = async (onRunnerLost: 'retry' | 'fail' = 'retry') => {
    const runner = await online();
    const task = await bench.start(bench.addTemplate({ onRunnerLost }));
    await bench.claim(runner, task);
    return { runner, task };
  };

  it('queues a task again when its lease lapsed, and rejects reports of the lost attempt', async () => {
    const { runner, task } = await held();
    bench.pass(leaseMs + 1);
    expect(await reconcile(bench.deps)).toMatchObject({ lease_lapsed: 1 });
    expect(await bench.deps.tasks.get(bench.projectId, task.id)).toMatchObject({
      status: 'waiting',
      attempt: 2,
    });
    expect(await finishTask(bench.deps, leaseOn(runner, task.id), success)).toEqual({
      ok: false,
      code: 'lease_lost',
    });
    expect(await statusOf(task)).toBe('waiting');
    expect((await bench.beat(runner, [task]))?.lost).toEqual([task.id]);
  });

  it('ends the task with a reason when its template forbids another run', async () => {
    const { task } = await held('fail');
    bench.pass(leaseMs + 1);
    await reconcile(bench.deps);
    expect(await bench.deps.tasks.get(bench.projectId, task.id)).toMatchObject({
      status: 'error',
      reason: expect.stringMatching(/sent no heartbeat in time/),
    });
  });

  it('queues tasks at once that a restarted agent no longer knows', async () => {
    const { runner, task } = await held();
    await bench.beat(runner, []);
    expect(await bench.deps.tasks.get(bench.projectId, task.id)).toMatchObject({
      status: 'waiting',
      attempt: 2,
    });
    expect((await bench.reload(runner)).slots).toEqual([]);
  });

  it('queues the tasks of a stopped instance again', async () => {
    const { runner, task } = await held();
    await bench.instanceBecomes(runner, 'stopped');
    expect(await bench.deps.tasks.get(bench.projectId, task.id)).toMatchObject({ attempt: 2 });
    expect(await bench.reload(runner)).toMatchObject({ slots: [], demand: [task.id] });
  });

  it('keeps the lease of a runner that renews it', async () => {
    const { runner, task } = await held();
    for (let beats = 0; beats < 10; beats++) {
      bench.pass(leaseMs / 2);
      await bench.beat(runner, [task]);
      expect(await reconcile(bench.deps)).toEqual({});
    }
    expect(await statusOf(task)).toBe('starting');
  });
});

describe('a task that ends', () => {
  it('frees its slot and sends the finish event once, despite repeated reports', async () => {
    const runner = await online();
    const task = await bench.start(bench.addTemplate());
    await bench.claim(runner, task);
    bench.pass(5_000);
    expect(await finishTask(bench.deps, leaseOn(runner, task.id), success)).toEqual({ ok: true });
    expect(await finishTask(bench.deps, leaseOn(runner, task.id), success)).toEqual({ ok: true });
    expect(await bench.reload(runner)).toMatchObject({ slots: [], demand: [], busyMs: 5_000 });
    expect(bench.sent).toEqual(['finish https://api.test/webhooks/task-finish']);
  });

  it("is removed from its runner's demand when it is stopped while waiting", async () => {
    const runner = await bench.addRunner({ instanceId: anInstance() });
    const task = await bench.start(bench.addTemplate());
    expect(await stopTask(bench.deps, task, 'Ann')).toMatchObject({
      status: 'stopped',
      reason: 'Stopped by Ann.',
    });
    expect((await bench.reload(runner)).demand).toEqual([]);
    expect(await stopTask(bench.deps, task, 'Ann')).toBeUndefined();
  });

  it('is stopped through the runner that has it', async () => {
    const runner = await online();
    const task = await bench.start(bench.addTemplate());
    await bench.claim(runner, task);
    expect(await stopTask(bench.deps, task, 'Ann')).toMatchObject({ status: 'stopping' });
    expect((await bench.beat(runner, [task]))?.leases).toMatchObject([{ taskId: task.id, stop: true }]);
  });
});

describe('reconciling', () => {
  it('rings again for a task that waits beside a free slot', async () => {
    await online();
    await bench.start(bench.addTemplate());
    bench.rung.length = 0;
    expect(await reconcile(bench.deps)).toEqual({ doorbell_rung_again: 1 });
    expect(bench.rung).toHaveLength(1);
  });

  it('places a task that a crash left without a runner', async () => {
    const runner = await bench.addRunner({ instanceId: anInstance() });
    const task = await bench.start(bench.addTemplate());
    await bench.deps.runners.dropDemand(runner, task.id);
    await reconcile(bench.deps);
    expect((await bench.reload(runner)).demand).toEqual([task.id]);
  });

  it('drops stale demand, and stops the runner if it has no other', async () => {
    const runner = await bench.addRunner({ instanceId: anInstance() });
    const task = await bench.start(bench.addTemplate());
    await bench.deps.tasks.stopWaiting(task, 'enough', bench.deps.now());
    bench.pass(31_000);
    await reconcile(bench.deps);
    expect((await bench.reload(runner)).demand).toEqual([]);
    await reconcile(bench.deps);
    expect(bench.calls.at(-1)).toBe(`stop ${runner.instanceId}`);
  });

  it('stops an idle instance whose agent never requested it', async () => {
    const runner = await online({ idleTimeoutMs: 1_000 });
    bench.pass(120_000);
    await bench.beat(runner);
    expect(await reconcile(bench.deps)).toEqual({ runner_put_to_sleep: 1 });
    expect((await bench.reload(runner)).status).toBe('stopping');
  });

  it('gives the task of a runner that EC2 refuses to start to another, and keeps the reason', async () => {
    const instanceId = anInstance();
    const faulty = await bench.addRunner({ instanceId });
    bench.refuseStart(instanceId, {
      started: false,
      code: 'refused',
      awsCode: 'InsufficientInstanceCapacity',
      detail: 'No room.',
    });
    const task = await bench.start(bench.addTemplate());
    await bench.wake(faulty);
    expect((await bench.reload(faulty)).fault).toMatchObject({ code: 'InsufficientInstanceCapacity' });
    const other = await bench.addRunner({ instanceId: anInstance() });
    await reconcile(bench.deps);
    expect((await bench.reload(other)).demand).toEqual([task.id]);
    expect((await bench.reload(faulty)).demand).toEqual([]);
  });

  it('ends an attempt whose runner was removed after it had lost the slot', async () => {
    const runner = await online();
    const task = await bench.start(bench.addTemplate());
    await bench.claim(runner, task);
    const { leaseUntil } = await bench.reload(runner);
    await bench.deps.runners.revokeSlot(runner, task.id, bench.deps.now(), leaseUntil);
    await bench.instanceBecomes(runner, 'stopped');
    expect(await bench.deps.runners.remove(runner)).toBe(true);
    expect(await reconcile(bench.deps)).toMatchObject({ slotless_task: 1 });
    expect(await bench.deps.tasks.get(bench.projectId, task.id)).toMatchObject({
      status: 'waiting',
      attempt: 2,
    });
  });

  it('places tasks again that a crashed change of tags left in a queue without a poller', async () => {
    const before = await online();
    const owed = await bench.start(bench.addTemplate());
    expect(await bench.reload(before)).toMatchObject({ demand: [owed.id] });
    const other = await bench.addRunner({ instanceId: anInstance() });
    const { name, instanceId } = before;
    await bench.deps.runners.configure(before, runnerInput.parse({ name, instanceId, tags: ['tokyo'] }));
    await reconcile(bench.deps);
    expect(await bench.deps.tasks.get(bench.projectId, owed.id)).toMatchObject({ runnerId: other.id });
    await reconcile(bench.deps);
    expect(await bench.reload(before)).toMatchObject({ demand: [] });
  });

  it('repairs nothing when all is quiet', async () => {
    await bench.addRunner({ instanceId: anInstance() });
    expect(await reconcile(bench.deps)).toEqual({});
  });
});

describe('removing a runner', () => {
  it('removes the queue that no other runner polls, and only while it sleeps', async () => {
    const first = await bench.addRunner({ tags: ['sydney'], instanceId: anInstance() });
    const second = await bench.addRunner({ tags: ['sydney'], instanceId: anInstance() });
    expect(await removeRunner(bench.deps, first)).toBe(true);
    expect(bench.queues).toEqual(new Set([`${bench.projectId}-sydney`, controlQueueOf(second)]));
    await bench.start(bench.addTemplate({ tag: 'sydney' }));
    expect(await removeRunner(bench.deps, second)).toBe(false);
  });
});
