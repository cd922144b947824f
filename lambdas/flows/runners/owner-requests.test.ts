import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addMs, leaseMs } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { controlQueueOf } from '../../core/tasks/routing.ts';
import { reconcile } from '../reconcile/reconcile.ts';
import { claimTask } from '../tasks/claim.ts';
import { finishTask } from '../tasks/report.ts';
import { stopTask } from '../tasks/start-task.ts';
import { type FlowFixture, flowFixture } from '../testing.ts';
import { heartbeat } from './heartbeat.ts';
import { drainRunner, resumeRunner, sleepRunner, wakeRunner } from './owner-requests.ts';
import { settlePower } from './power.ts';

let table: TestTable;
let fixture: FlowFixture;
beforeEach(async () => {
  table = await openTestTable();
  fixture = flowFixture(table.table);
});
afterEach(() => table?.close());

let made = 0;
/** A runner with its agent online. */
const online = async () => {
  const runner = await fixture.addRunner({ instanceId: `i-${String(++made).padStart(17, '0')}` });
  await fixture.instanceBecomes(runner, 'running');
  await fixture.beat(runner);
  return fixture.reload(runner);
};
type Runner = Awaited<ReturnType<typeof online>>;
type Task = Awaited<ReturnType<FlowFixture['start']>>;

const running = async (overrides: Parameters<FlowFixture['addTemplate']>[0] = {}) => {
  const runner = await online();
  const task = await fixture.start(fixture.addTemplate(overrides));
  expect(await fixture.claim(runner, task)).toMatchObject({ ok: true });
  return { runner, task };
};
const report = (runner: Runner, task: Task, status: 'handed_back' | 'lost', attempt = 1) => {
  const lease = { ...fixture.agentOf(runner), projectId: fixture.projectId, taskId: task.id, attempt };
  return finishTask(fixture.deps, lease, { status, lease: '', logChunks: 1, reason: `It was ${status}` });
};
const taskNow = (task: Task) => fixture.deps.tasks.get(fixture.projectId, task.id);
const ringsFor = (runner: Runner) =>
  fixture.rung.filter(({ queue }) => queue === controlQueueOf(runner)).length;

describe('stopping a running task', () => {
  it('requests the heartbeat that notifies its agent', async () => {
    const { runner, task } = await running();
    await stopTask(fixture.deps, task, 'ada');
    expect(ringsFor(runner)).toBe(1);
    expect(await fixture.beat(runner, [task])).toMatchObject({ leases: [{ stop: true }] });
  });
});

describe('draining a runner', () => {
  it('notifies its agent, stops new tasks, and moves its waiting tasks', async () => {
    const { runner, task } = await running();
    const waiting = await fixture.start(fixture.addTemplate());
    const other = await online();
    expect(await drainRunner(fixture.deps, await fixture.reload(runner))).toMatchObject({ slots: [task.id] });
    expect(ringsFor(runner)).toBe(1);
    expect(await fixture.beat(runner, [task])).toMatchObject({ drain: true });
    expect(await taskNow(waiting)).toMatchObject({ runnerId: other.id });
    expect(await fixture.claim(runner, waiting)).toEqual({ ok: false, code: 'try_later' });
  });

  it('is refused while it starts, as its agent begins without a drain', async () => {
    const runner = await fixture.addRunner({ instanceId: 'i-00000000000000001' });
    const task = await fixture.start(fixture.addTemplate());
    expect(await fixture.reload(runner)).toMatchObject({ status: 'starting' });
    expect(await drainRunner(fixture.deps, await fixture.reload(runner))).toBeUndefined();
    expect(await taskNow(task)).toMatchObject({ runnerId: runner.id });
  });

  it('ends when it is resumed', async () => {
    const runner = await online();
    await drainRunner(fixture.deps, runner);
    const waiting = await fixture.start(fixture.addTemplate());
    expect((await taskNow(waiting))?.runnerId).toBeUndefined();
    await resumeRunner(fixture.deps, await fixture.reload(runner));
    expect(await taskNow(waiting)).toMatchObject({ runnerId: runner.id });
    expect(await fixture.claim(runner, waiting)).toMatchObject({ ok: true });
  });
});

describe('a runner whose machine goes down', () => {
  const announce = (runner: Runner) =>
    fixture.deps.runners.heartbeat(runner, fixture.deps.now(), addMs(fixture.deps.now(), leaseMs), {
      agentVersion: '1',
      draining: true,
    });

  it('is assigned a task while it stops, although its agent drains', async () => {
    const runner = await online();
    await fixture.instanceBecomes(runner, 'stopping');
    await announce(runner);
    const task = await fixture.start(fixture.addTemplate());
    expect(await fixture.reload(runner)).toMatchObject({ status: 'stopping', assigned: [task.id] });
    await fixture.instanceBecomes(runner, 'stopped');
    expect(await fixture.reload(runner)).toMatchObject({ status: 'starting', assigned: [task.id] });
  });

  it('is woken, once it has stopped, for tasks that came while it drained', async () => {
    const runner = await online();
    await announce(runner);
    const task = await fixture.start(fixture.addTemplate());
    expect((await taskNow(task))?.runnerId).toBeUndefined();
    await fixture.instanceBecomes(runner, 'stopped');
    expect(await fixture.reload(runner)).toMatchObject({ status: 'starting', assigned: [task.id] });
  });
});

describe('a runner that has slept', () => {
  const goodbye = (runner: Runner) =>
    fixture.deps.runners.heartbeat(runner, fixture.deps.now(), addMs(fixture.deps.now(), leaseMs), {
      agentVersion: '1',
      draining: true,
      leaving: true,
    });
  const asleepAfterGoodbye = async () => {
    const runner = await fixture.addRunner({ instanceId: 'i-00000000000000001', maxParallelTasks: 2 });
    await fixture.instanceBecomes(runner, 'running');
    await fixture.beat(runner);
    await fixture.instanceBecomes(runner, 'stopping');
    await goodbye(runner);
    await fixture.instanceBecomes(runner, 'stopped');
    return fixture.reload(runner);
  };

  it('forgets its agent’s goodbye, and takes two tasks with one start', async () => {
    const slept = await asleepAfterGoodbye();
    expect(slept.drainAnnouncedAt).toBeUndefined();
    const other = await fixture.addRunner({ instanceId: 'i-00000000000000002', maxParallelTasks: 2 });
    const [first, second] = [
      await fixture.start(fixture.addTemplate()),
      await fixture.start(fixture.addTemplate()),
    ];
    const assignee = (await taskNow(first))?.runnerId;
    expect((await taskNow(second))?.runnerId).toBe(assignee);
    const idle = assignee === slept.id ? other : slept;
    expect(await fixture.reload(idle)).toMatchObject({ status: 'stopped', assigned: [] });
  });

  it('takes two tasks with one start when 0.1.0 stored the goodbye as a requested drain', async () => {
    const slept = await asleepAfterGoodbye();
    const key = { pk: fixture.projectId, sk: slept.id };
    await table.table.update(key, { set: { drainRequestedAt: fixture.deps.now() } }, []);
    await fixture.start(fixture.addTemplate());
    const second = await fixture.start(fixture.addTemplate());
    expect(await taskNow(second)).toMatchObject({ runnerId: slept.id });
    expect((await fixture.reload(slept)).drainRequestedAt).toBeUndefined();
    await fixture.beat(slept);
    expect(await fixture.claim(slept, second)).toMatchObject({ ok: true });
  });

  it('is not set online by a goodbye that arrives after its instance has stopped', async () => {
    const runner = await online();
    await fixture.instanceBecomes(runner, 'stopped');
    const claims = { tasks: [], agentVersion: '1' };
    await heartbeat(fixture.deps, fixture.agentOf(runner), { ...claims, draining: true, leaving: true });
    expect((await fixture.reload(runner)).status).toBe('stopped');
  });

  it('is not set online by a heartbeat from before the stop that arrives after the next start', async () => {
    const runner = await online();
    await fixture.instanceBecomes(runner, 'stopped');
    await fixture.start(fixture.addTemplate());
    const late = { tasks: [], agentVersion: '1', claims: 0 };
    await heartbeat(fixture.deps, fixture.agentOf(runner), late);
    expect((await fixture.reload(runner)).status).toBe('starting');
    fixture.pass(30_000);
    await heartbeat(fixture.deps, fixture.agentOf(runner), late);
    expect((await fixture.reload(runner)).status).toBe('online');
  });

  it('is not stopped by a goodbye that arrives after its agent has started again', async () => {
    const runner = await online();
    await fixture.deps.runners.heartbeat(runner, fixture.deps.now(), addMs(fixture.deps.now(), leaseMs), {
      agentVersion: '1',
      draining: true,
    });
    expect((await fixture.reload(runner)).drainAnnouncedAt).toBeDefined();
    await fixture.beat(runner);
    expect((await fixture.reload(runner)).drainAnnouncedAt).toBeUndefined();
  });
});

describe('a task that is handed back', () => {
  it('waits as its next attempt, which does not count', async () => {
    const { runner, task } = await running({ maxAttempts: 1 });
    expect(await report(runner, task, 'handed_back')).toEqual({ ok: true });
    expect(await taskNow(task)).toMatchObject({ status: 'waiting', attempt: 2 });
    expect(await fixture.reload(runner)).toMatchObject({ slots: [] });
    await fixture.claim(runner, task);
    await report(runner, task, 'lost', 2);
    expect(await taskNow(task)).toMatchObject({ status: 'error', attempt: 2, reason: 'It was lost' });
  });

  it('is queued again once, despite repeated reports', async () => {
    const { runner, task } = await running();
    await report(runner, task, 'handed_back');
    expect(await report(runner, task, 'handed_back')).toEqual({ ok: true });
    expect(await taskNow(task)).toMatchObject({ attempt: 2 });
  });

  it('ends when a user has stopped it', async () => {
    const { runner, task } = await running();
    await stopTask(fixture.deps, task, 'ada');
    await report(runner, task, 'handed_back');
    expect(await taskNow(task)).toMatchObject({ status: 'stopped' });
  });
});

describe('a claim whose response was lost', () => {
  it('gets the same answer again for its runner, until the task has reported', async () => {
    const { runner, task } = await running();
    const again = (of: Runner) =>
      claimTask(fixture.deps, fixture.agentOf(of), {
        projectId: fixture.projectId,
        taskId: task.id,
        again: true,
      });
    expect(await again(runner)).toMatchObject({ ok: true, claim: { attempt: 1 } });
    expect(await again(await online())).toEqual({ ok: false, code: 'not_claimable' });
    const holder = { runnerId: runner.id, attempt: 1 };
    await fixture.deps.tasks.markRunning(
      { projectId: fixture.projectId, id: task.id },
      holder,
      fixture.deps.now(),
    );
    expect(await again(runner)).toEqual({ ok: false, code: 'not_claimable' });
    expect(await fixture.reload(runner)).toMatchObject({ slots: [task.id] });
  });
});

describe("a runner's agent", () => {
  const one = '11111111-1111-4111-8111-111111111111';
  const two = '22222222-2222-4222-8222-222222222222';
  const enlist = async (runner: Runner, id: string) =>
    (await fixture.deps.runners.enlist(runner, id, true, fixture.deps.now())) !== undefined;

  it('is the only one while its lease lasts', async () => {
    const runner = await online();
    expect(await enlist(runner, one)).toBe(true);
    expect(await enlist(runner, two)).toBe(false);
    expect(await enlist(runner, one)).toBe(true);
    fixture.pass(leaseMs + 1);
    expect(await enlist(runner, two)).toBe(true);
    const until = addMs(fixture.deps.now(), leaseMs);
    const beat = { agentVersion: '1', agentId: one };
    expect(await fixture.deps.runners.heartbeat(runner, fixture.deps.now(), until, beat)).toBeUndefined();
  });

  it('makes room for another by its last heartbeat', async () => {
    const runner = await online();
    await enlist(runner, one);
    const until = addMs(fixture.deps.now(), leaseMs);
    const beat = { agentVersion: '1', agentId: one, draining: true, leaving: true };
    await fixture.deps.runners.heartbeat(runner, fixture.deps.now(), until, beat);
    expect(await enlist(runner, two)).toBe(true);
    expect((await fixture.reload(runner)).drainRequestedAt).toBeUndefined();
  });
});

describe('putting a runner to sleep by hand', () => {
  /** Makes failing claims hold a slot while the runner is asked to sleep, this number of times. */
  const withClaims = (times: number): FlowFixture['deps'] => {
    const { runners } = fixture.deps;
    let left = times;
    return {
      ...fixture.deps,
      runners: {
        ...runners,
        move: async (ref, ...more) => {
          if (left-- <= 0) return runners.move(ref, ...more);
          const task = { projectId: fixture.projectId, id: fixture.deps.newId('tsk') };
          await runners.takeSlot(ref, task, addMs(fixture.deps.now(), leaseMs));
          const moved = await runners.move(ref, ...more);
          await runners.returnSlot(ref, task);
          return moved;
        },
      },
    };
  };

  it('is not refused for a concurrent claim that fails', async () => {
    const runner = await online();
    expect(await sleepRunner(withClaims(1), runner)).toMatchObject({ status: 'draining' });
    expect(fixture.powerRequests).toEqual([runner.id]);
  });

  it('is refused when such claims continue, and at once when it is busy', async () => {
    expect(await sleepRunner(withClaims(9), await online())).toBeUndefined();
    const { runner } = await running();
    expect(await sleepRunner(fixture.deps, runner)).toBeUndefined();
    expect(fixture.powerRequests).toEqual([]);
  });
});

describe('waking a runner by hand', () => {
  const instanceId = () => `i-${String(++made).padStart(17, '0')}`;
  const minuteMs = 60_000;
  const wakeByHand = async (runner: Runner) => {
    const woken = await wakeRunner(fixture.deps, runner);
    if (fixture.powerRequests.at(-1) === runner.id)
      await settlePower(fixture.deps, await fixture.reload(runner));
    return woken;
  };
  const starts = (runner: Runner) => fixture.calls.filter((call) => call === `start ${runner.instanceId}`);

  it('starts its instance, undisturbed by the reconciler, and keeps it on for its idle timeout', async () => {
    const runner = await fixture.addRunner({ instanceId: instanceId(), idleTimeoutMs: 10 * minuteMs });
    expect(await wakeByHand(runner)).toMatchObject({ status: 'starting' });
    fixture.pass(minuteMs);
    await reconcile(fixture.deps);
    expect(await fixture.reload(runner)).toMatchObject({ status: 'starting' });
    expect(starts(runner)).toHaveLength(1);

    await fixture.instanceBecomes(runner, 'running');
    await fixture.beat(runner);
    const { status, wokenAt } = await fixture.reload(runner);
    expect({ status, wokenAt }).toEqual({ status: 'online', wokenAt: undefined });
    fixture.pass(9 * minuteMs);
    await fixture.beat(runner);
    await reconcile(fixture.deps);
    expect(await fixture.reload(runner)).toMatchObject({ status: 'online' });
    fixture.pass(2 * minuteMs);
    await fixture.beat(runner);
    await reconcile(fixture.deps);
    expect(await fixture.reload(runner)).toMatchObject({ status: 'stopping' });
  });

  it('restarts one that is stopping, once it has stopped', async () => {
    const runner = await online();
    await fixture.instanceBecomes(runner, 'stopping');
    expect(await wakeByHand(await fixture.reload(runner))).toMatchObject({ status: 'stopping' });
    expect(starts(runner)).toEqual([]);
    await fixture.instanceBecomes(runner, 'stopped');
    expect(await fixture.reload(runner)).toMatchObject({ status: 'starting' });
    expect(starts(runner)).toHaveLength(1);
  });

  it('gives up after three boots without an agent, until its owner wakes it again', async () => {
    const runner = await fixture.addRunner({ instanceId: instanceId() });
    await wakeByHand(runner);
    for (let tries = 0; tries < 3; tries += 1) {
      await fixture.instanceBecomes(runner, 'running');
      fixture.pass(6 * minuteMs);
      await reconcile(fixture.deps);
      await fixture.instanceBecomes(runner, 'stopped');
    }
    const given = await fixture.reload(runner);
    expect(given).toMatchObject({ status: 'stopped', fault: { code: 'boot_timeout' } });
    expect(given.quarantinedAt).toBeDefined();
    expect(given.wokenAt).toBeUndefined();
    expect(starts(runner)).toHaveLength(3);
    expect(await wakeByHand(given)).toBeUndefined();
  });

  it('is refused for one that is inactive, or that is powered by others', async () => {
    const inactive = await fixture.addRunner({ instanceId: instanceId(), active: false });
    expect(await wakeByHand(inactive)).toBeUndefined();
    expect(await wakeByHand(await fixture.addRunner({ webhookUrl: 'https://hooks.test/' }))).toBeUndefined();
  });
});
