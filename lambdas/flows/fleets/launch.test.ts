import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { msBetween } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { idsBetween } from '../../adapters/ids.ts';
import { fullIdOf, poolOf, type RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { makeKeyPair } from '../../adapters/secrets/payload-encryption.ts';
import { reconcile } from '../reconcile.ts';
import { drain } from '../runners/heartbeat.ts';
import { stopDrained } from '../runners/power.ts';
import { removeRunner } from '../runners/runner-setup.ts';
import { claimTask } from '../tasks/claim.ts';
import { stopTask } from '../tasks/start-task.ts';
import { type Bench, flowBench } from '../testing.ts';

let table: TestTable;
let bench: Bench;
beforeEach(async () => {
  table = await openTestTable();
  bench = flowBench(table.table);
});
afterEach(() => table?.close());

const minuteMs = 60_000;
const aRunner = (input: Parameters<Bench['addRunner']>[0] = {}) =>
  bench.addRunner({ fleet: 'sydney', region: 'ap-southeast-2', ...input });

/** Makes a task for the runner, and does the work of the start event's receiver. */
const wakeFor = async (runner: RunnerRecord) => {
  const task = await bench.start(bench.addTemplate());
  await bench.wake(runner);
  return { task, woken: await bench.reload(runner) };
};
const { publicKey } = makeKeyPair();
const enrol = async (runner: RunnerRecord) => {
  const { instanceId = '' } = runner;
  const given = { publicKey, tokenHash: 'hash', date: '20261130T120000Z' };
  await bench.deps.runners.enroll(runner, instanceId, given, bench.deps.now());
  return (await bench.reload(runner)).credentialVersion;
};
const enrolAndBeat = async (runner: RunnerRecord) => {
  const credentialVersion = await enrol(runner);
  await bench.instanceBecomes(runner, 'running');
  await bench.beat(runner, [], undefined, undefined, credentialVersion);
  return { ...bench.agentOf(runner), credentialVersion };
};

describe('a runner of a fleet', () => {
  it('sleeps without an instance, and gets one for its first task', async () => {
    bench.addFleet({ instanceTypes: ['t4g.small', 't4g.medium'] });
    const runner = await aRunner();
    expect(runner).toMatchObject({ status: 'stopped', fleet: 'sydney' });
    const { woken, task } = await wakeFor(runner);
    expect(bench.orders).toMatchObject([
      {
        region: 'ap-southeast-2',
        launchTemplate: 'Reveille-sydney',
        instanceTypes: ['t4g.small', 't4g.medium'],
        market: 'on-demand',
        runner: fullIdOf(runner),
        apiUrl: 'https://api.test',
      },
    ]);
    expect(woken).toMatchObject({ status: 'starting', demand: [task.id], instanceType: 't4g.small' });
    expect(await bench.deps.runners.findByInstance(woken.instanceId ?? '')).toMatchObject({ id: runner.id });
    expect(woken.launch).toBeUndefined();
  });

  it('stops its instance and starts it again', async () => {
    bench.addFleet();
    const runner = await aRunner({ idleTimeoutMs: 0 });
    const { woken, task } = await wakeFor(runner);
    const agent = await enrolAndBeat(woken);
    await stopTask(bench.deps, task, 'Ann');
    expect(await drain(bench.deps, agent)).toEqual({ sleep: true });
    await stopDrained(bench.deps, await bench.reload(runner));
    await bench.instanceBecomes(woken, 'stopped');
    expect(await bench.reload(runner)).toMatchObject({ status: 'stopped', instanceId: woken.instanceId });
    await wakeFor(runner);
    expect(bench.calls).toEqual([`stop ${woken.instanceId}`, `start ${woken.instanceId}`]);
    expect(bench.orders).toHaveLength(1);
  });

  it('hibernates when its fleet is configured so', async () => {
    bench.addFleet({ whenIdle: 'hibernate' });
    const runner = await aRunner({ idleTimeoutMs: 0 });
    const { woken, task } = await wakeFor(runner);
    const agent = await enrolAndBeat(woken);
    await stopTask(bench.deps, task, 'Ann');
    await drain(bench.deps, agent);
    await stopDrained(bench.deps, await bench.reload(runner));
    expect(bench.calls).toEqual([`hibernate ${woken.instanceId}`]);
  });

  it('loses its instance when its fleet terminates it, and gets another one', async () => {
    bench.addFleet({ spot: true, whenIdle: 'terminate' });
    const runner = await aRunner({ idleTimeoutMs: 0 });
    const { woken, task } = await wakeFor(runner);
    expect(woken.market).toBe('spot');
    const agent = await enrolAndBeat(woken);
    await stopTask(bench.deps, task, 'Ann');
    await drain(bench.deps, agent);
    await stopDrained(bench.deps, await bench.reload(runner));
    expect(bench.calls).toEqual([`terminate ${woken.instanceId}`]);
    await bench.instanceBecomes(woken, 'shutting-down');
    bench.pass(1000);
    await bench.instanceBecomes(woken, 'terminated');
    const bare = await bench.reload(runner);
    expect(bare).toMatchObject({ status: 'stopped', publicKey: '', tokenHash: '' });
    for (const field of [
      'instanceId',
      'market',
      'enrolledAt',
      'quarantinedAt',
      'fault',
      'failedStarts',
    ] as const)
      expect(bare[field], field).toBeUndefined();
    const again = await wakeFor(runner);
    expect(again.woken.instanceId).not.toBe(woken.instanceId);
    expect(bench.orders).toHaveLength(2);
  });

  it('is billed once for an instance that was gone before its start was seen', async () => {
    bench.addFleet({ whenIdle: 'terminate' });
    const { woken, task } = await wakeFor(await aRunner());
    const credentialVersion = await enrol(woken);
    await bench.beat(woken, [], undefined, undefined, credentialVersion);
    await stopTask(bench.deps, task, 'Ann');
    bench.pass(90_000);
    for (const state of ['shutting-down', 'shutting-down', 'terminated'] as const)
      await bench.instanceBecomes(woken, state);
    const now = bench.deps.now();
    const { from, to } = idsBetween('ses', woken.createdAt, now);
    const [session, ...more] = await bench.deps.sessions.listBetween(poolOf(woken), from, to);
    expect(session).toMatchObject({ instanceId: woken.instanceId, instanceType: 't4g.small', endedAt: now });
    expect(msBetween(session?.startedAt ?? now, now)).toBe(90_000);
    expect(more).toEqual([]);
  });

  it('gets another instance at once for work that came during the termination', async () => {
    bench.addFleet({ whenIdle: 'terminate' });
    const runner = await aRunner({ idleTimeoutMs: 0 });
    const { woken, task } = await wakeFor(runner);
    const agent = await enrolAndBeat(woken);
    await stopTask(bench.deps, task, 'Ann');
    await drain(bench.deps, agent);
    await stopDrained(bench.deps, await bench.reload(runner));
    const { task: late } = await wakeFor(runner);
    await bench.instanceBecomes(woken, 'terminated');
    expect(await bench.reload(runner)).toMatchObject({ status: 'starting', demand: [late.id] });
    expect(bench.orders).toHaveLength(2);
    expect((await bench.reload(runner)).failedStarts).toBeUndefined();
  });

  it('runs the task of a terminated instance again, on another one', async () => {
    bench.addFleet();
    const runner = await aRunner();
    const { woken, task } = await wakeFor(runner);
    const agent = await enrolAndBeat(woken);
    await claimTask(bench.deps, agent, { projectId: bench.projectId, taskId: task.id });
    await bench.instanceBecomes(woken, 'shutting-down');
    bench.pass(1000);
    await bench.instanceBecomes(woken, 'terminated');
    expect(await bench.reload(runner)).toMatchObject({ status: 'starting', demand: [task.id], slots: [] });
    expect((await bench.reload(runner)).instanceId).not.toBe(woken.instanceId);
    expect(bench.orders).toHaveLength(2);
  });

  it('forgets an instance that is terminated while it sleeps', async () => {
    bench.addFleet();
    const runner = await aRunner();
    const { woken, task } = await wakeFor(runner);
    await enrolAndBeat(woken);
    await stopTask(bench.deps, task, 'Ann');
    await bench.instanceBecomes(woken, 'stopped');
    await bench.instanceBecomes(woken, 'terminated');
    expect(await bench.reload(runner)).toMatchObject({ status: 'stopped' });
    expect((await bench.reload(runner)).instanceId).toBeUndefined();
  });

  it('keeps its instance while EC2 does not show the recent launch', async () => {
    bench.addFleet();
    const runner = await aRunner();
    const { woken } = await wakeFor(runner);
    const { describe } = bench.deps.instances;
    bench.deps.instances.describe = async () => undefined;
    await reconcile(bench.deps);
    expect((await bench.reload(runner)).instanceId).toBe(woken.instanceId);
    bench.deps.instances.describe = describe;
  });

  it('is quarantined after EC2 reclaimed three instances in a row before their agents came up', async () => {
    bench.addFleet();
    const runner = await aRunner();
    await bench.start(bench.addTemplate());
    await bench.wake(runner);
    for (let tries = 0; tries < 3; tries++) {
      bench.pass(5000);
      await bench.instanceBecomes(await bench.reload(runner), 'terminated');
    }
    expect(await bench.reload(runner)).toMatchObject({
      failedStarts: 3,
      quarantinedAt: bench.deps.now(),
      fault: {
        code: 'start_fell_back',
        detail: expect.stringContaining('terminated before its agent came up'),
      },
    });
    expect(bench.orders).toHaveLength(3);
    await reconcile(bench.deps);
    await reconcile(bench.deps);
    expect((await bench.reload(runner)).status).toBe('stopped');
  });

  it('terminates an instance whose agent never came up, and tries another', async () => {
    bench.addFleet();
    const runner = await aRunner();
    const { woken } = await wakeFor(runner);
    await bench.instanceBecomes(woken, 'running');
    bench.pass(6 * minuteMs);
    await reconcile(bench.deps);
    expect(bench.calls).toEqual([`terminate ${woken.instanceId}`]);
    await bench.instanceBecomes(woken, 'terminated');
    expect(bench.orders).toHaveLength(2);
    expect(await bench.reload(runner)).toMatchObject({ status: 'starting', failedStarts: 1 });
  });

  it('shows a fault when its fleet is gone from cdk.json', async () => {
    const runner = await aRunner();
    const { woken } = await wakeFor(runner);
    expect(woken.fault).toMatchObject({ code: 'unknown_fleet', detail: expect.stringContaining('cdk.json') });
    expect(woken.quarantinedAt).toBeDefined();
  });

  it('keeps its instance and its region in any change of its settings', async () => {
    bench.addFleet();
    const runner = await aRunner();
    const { woken } = await wakeFor(runner);
    const { name, tags, maxParallelTasks, idleTimeoutMs, fleet } = woken;
    const input = { name, tags, maxParallelTasks, idleTimeoutMs, fleet, active: true };
    expect(await bench.deps.runners.configure(woken, input)).toMatchObject({
      instanceId: woken.instanceId,
      region: 'ap-southeast-2',
      fleet: 'sydney',
    });
  });
});

describe('capacity', () => {
  it('falls back from spot to on-demand in the same wake, and shows that on the runner', async () => {
    bench.addFleet({ spot: true, whenIdle: 'terminate' });
    bench.noCapacity.add('spot');
    const runner = await aRunner();
    const { woken } = await wakeFor(runner);
    expect(bench.orders.map(({ market }) => market)).toEqual(['spot', 'on-demand']);
    expect(new Set(bench.orders.map(({ clientToken }) => clientToken)).size).toBe(2);
    expect(woken).toMatchObject({ market: 'on-demand', instanceId: expect.stringMatching(/^i-/) });
  });

  it('is requested again under another token, with longer waits, until its fault is gone', async () => {
    bench.addFleet();
    bench.noCapacity.add('on-demand');
    const runner = await aRunner();
    const { woken } = await wakeFor(runner);
    expect(woken.fault).toMatchObject({ code: 'InsufficientInstanceCapacity' });
    bench.pass(minuteMs);
    await reconcile(bench.deps);
    expect(bench.orders).toHaveLength(2);
    expect(bench.orders[0]?.clientToken).not.toBe(bench.orders[1]?.clientToken);
    bench.noCapacity.clear();
    bench.pass(5 * minuteMs);
    await reconcile(bench.deps);
    const recovered = await bench.reload(runner);
    expect(recovered.instanceId).toBeDefined();
    expect(recovered.fault).toBeUndefined();
  });

  it('leaves the task to another runner when it is missing', async () => {
    bench.addFleet();
    bench.noCapacity.add('on-demand');
    const { task } = await wakeFor(await aRunner());
    const other = await bench.addRunner({ instanceId: 'i-0123456789abcdef0' });
    await reconcile(bench.deps);
    expect((await bench.reload(other)).demand).toEqual([task.id]);
  });
});

describe('an interrupted launch', () => {
  /** Simulates a crash after CreateFleet, before the instance is recorded. */
  const dieAfterLaunch = async (runner: RunnerRecord) => {
    const { bind } = bench.deps.runners;
    bench.deps.runners.bind = () => Promise.reject(new Error('died'));
    const task = await bench.start(bench.addTemplate());
    await expect(bench.wake(runner)).rejects.toThrow('died');
    bench.deps.runners.bind = bind;
    return task;
  };

  it('leaves no orphan: the instance is found and assigned to the runner', async () => {
    bench.addFleet();
    const runner = await aRunner();
    await dieAfterLaunch(runner);
    await reconcile(bench.deps);
    expect((await bench.reload(runner)).instanceId).toBeUndefined();
    bench.pass(minuteMs);
    expect(await reconcile(bench.deps)).toMatchObject({ launch_done_again: 1 });
    expect(bench.orders).toHaveLength(1);
    expect(await bench.reload(runner)).toMatchObject({ instanceId: expect.stringMatching(/^i-/) });
  });

  it('returns the same instance by the same token when EC2 does not show it', async () => {
    bench.addFleet();
    const runner = await aRunner();
    await dieAfterLaunch(runner);
    bench.deps.instances.listLaunched = async () => [];
    bench.pass(minuteMs);
    await reconcile(bench.deps);
    const [first, second] = bench.orders;
    expect(second).toEqual(first);
  });

  it('is left to the call that is working on it', async () => {
    bench.addFleet();
    const runner = await aRunner();
    const task = await bench.start(bench.addTemplate());
    const launch = { id: 'lch_1', at: bench.deps.now() };
    expect(await bench.deps.runners.beginLaunch(await bench.reload(runner), launch)).toBeDefined();
    await bench.wake(runner);
    expect(bench.orders).toEqual([]);
    await stopTask(bench.deps, task, 'Ann');
    await reconcile(bench.deps);
    expect((await bench.reload(runner)).status).toBe('starting');
  });

  it('ends with the instance terminated when there is no demand', async () => {
    bench.addFleet();
    const runner = await aRunner();
    const task = await dieAfterLaunch(runner);
    await stopTask(bench.deps, task, 'Ann');
    bench.pass(minuteMs);
    await reconcile(bench.deps);
    const { instanceId = '' } = await bench.reload(runner);
    expect(instanceId).not.toBe('');
    await reconcile(bench.deps);
    expect(bench.calls).toEqual([`terminate ${instanceId}`]);
    await bench.instanceBecomes(await bench.reload(runner), 'terminated');
    expect((await bench.reload(runner)).status).toBe('stopped');
  });

  it('leaves a late instance to the reconciler when its runner has moved on', async () => {
    bench.addFleet();
    const runner = await aRunner();
    const { launch } = bench.deps.instances;
    bench.deps.instances.launch = async (order) => {
      const { launch: noted } = await bench.reload(runner);
      if (noted) await bench.deps.runners.endLaunch(runner, noted);
      return launch(order);
    };
    const { woken, task } = await wakeFor(runner);
    expect(woken.instanceId).toBeUndefined();
    await stopTask(bench.deps, task, 'Ann');
    bench.pass(3 * minuteMs);
    expect(await reconcile(bench.deps)).toEqual({ launch_called_off: 1, orphan_terminated: 1 });
    expect(bench.calls).toEqual([expect.stringMatching(/^terminate i-/)]);
  });

  it('is called off when it failed', async () => {
    bench.addFleet();
    bench.noCapacity.add('on-demand');
    const runner = await aRunner();
    const { task } = await wakeFor(runner);
    await stopTask(bench.deps, task, 'Ann');
    expect(await reconcile(bench.deps)).toEqual({ launch_called_off: 1 });
    expect((await bench.reload(runner)).status).toBe('stopped');
  });
});

describe('an instance without a runner', () => {
  const launchFor = async (runner: RunnerRecord, apiUrl = bench.deps.apiUrl) => {
    const outcome = await bench.deps.instances.launch({
      ...bench.addFleet(),
      fleet: 'sydney',
      market: 'on-demand',
      clientToken: 'stray',
      runner: fullIdOf(runner),
      apiUrl,
    });
    return outcome.launched ? outcome.instanceId : '';
  };

  it('is terminated after the time in which its launch must be recorded', async () => {
    const stray = await launchFor(await aRunner());
    expect(await reconcile(bench.deps)).toEqual({});
    bench.pass(3 * minuteMs);
    expect(await reconcile(bench.deps)).toEqual({ orphan_terminated: 1 });
    expect(bench.calls).toEqual([`terminate ${stray}`]);
  });

  it('is terminated when its runner was removed, even while stopped', async () => {
    bench.addFleet();
    const runner = await aRunner();
    const { woken, task } = await wakeFor(runner);
    await enrolAndBeat(woken);
    await stopTask(bench.deps, task, 'Ann');
    await bench.instanceBecomes(woken, 'stopped');
    bench.pass(3 * minuteMs);
    expect(await reconcile(bench.deps)).toEqual({});
    expect(await removeRunner(bench.deps, await bench.reload(runner))).toBe(true);
    expect(await reconcile(bench.deps)).toEqual({ orphan_terminated: 1 });
    expect(bench.calls).toEqual([`terminate ${woken.instanceId}`]);
  });

  it('is left alone when another control plane with the same stack name launched it', async () => {
    await launchFor(await aRunner(), 'https://other.test');
    bench.pass(3 * minuteMs);
    expect(await reconcile(bench.deps)).toEqual({});
    expect(bench.calls).toEqual([]);
  });

  it('is left alone when its fleet is not in cdk.json, as its purpose is unknown', async () => {
    await launchFor(await aRunner());
    bench.deps.fleets.length = 0;
    bench.addFleet({ name: 'other' });
    bench.pass(3 * minuteMs);
    expect(await reconcile(bench.deps)).toEqual({});
  });
});

describe('the schedule of a fleet', () => {
  it('is sent to the agent, and governs the decision to sleep', async () => {
    // The bench begins on a Thursday at noon.
    const noonHour = {
      days: ['thu' as const],
      from: '12:00',
      to: '13:00',
      timeZone: 'UTC',
      idleTimeoutMs: 3_600_000,
    };
    bench.addFleet({ schedule: [noonHour] });
    const runner = await aRunner({ idleTimeoutMs: 0 });
    const { woken, task } = await wakeFor(runner);
    const agent = await enrolAndBeat(woken);
    await stopTask(bench.deps, task, 'Ann');
    const told = async () =>
      (await bench.beat(runner, [], undefined, undefined, agent.credentialVersion))?.settings.idleTimeoutMs;
    expect(await told()).toBe(3_600_000);
    expect(await drain(bench.deps, agent)).toMatchObject({ sleep: false });
    bench.pass(10 * minuteMs);
    await told();
    expect(await reconcile(bench.deps)).toEqual({});
    bench.pass(51 * minuteMs);
    expect(await told()).toBe(0);
    expect(await reconcile(bench.deps)).toEqual({ runner_put_to_sleep: 1 });
  });
});
