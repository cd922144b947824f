import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { msBetween } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { idsBetween } from '../../adapters/ids.ts';
import { fullIdOf, poolOf, type RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { makeKeyPair } from '../../adapters/secrets/payload-encryption.ts';
import { reconcile } from '../reconcile/reconcile.ts';
import { drain } from '../runners/heartbeat.ts';
import { stopDrained } from '../runners/power.ts';
import { removeRunner } from '../runners/runner-setup.ts';
import { claimTask } from '../tasks/claim.ts';
import { stopTask } from '../tasks/start-task.ts';
import { type FlowFixture, flowFixture } from '../testing.ts';

let table: TestTable;
let fixture: FlowFixture;
beforeEach(async () => {
  table = await openTestTable();
  fixture = flowFixture(table.table);
});
afterEach(() => table?.close());

const minuteMs = 60_000;
const aRunner = (input: Parameters<FlowFixture['addRunner']>[0] = {}) =>
  fixture.addRunner({ fleet: 'sydney', region: 'ap-southeast-2', ...input });

/** Makes a task for the runner, and does the work of the start event's receiver. */
const wakeFor = async (runner: RunnerRecord) => {
  const task = await fixture.start(fixture.addTemplate());
  await fixture.wake(runner);
  return { task, woken: await fixture.reload(runner) };
};
const { publicKey } = makeKeyPair();
const enrol = async (runner: RunnerRecord) => {
  const { instanceId = '' } = runner;
  const given = { publicKey, tokenHash: 'hash', date: '20261130T120000Z' };
  await fixture.deps.runners.enroll(runner, instanceId, given, fixture.deps.now());
  return (await fixture.reload(runner)).credentialVersion;
};
const enrolAndBeat = async (runner: RunnerRecord) => {
  const credentialVersion = await enrol(runner);
  await fixture.instanceBecomes(runner, 'running');
  await fixture.beat(runner, [], undefined, undefined, credentialVersion);
  return { ...fixture.agentOf(runner), credentialVersion };
};

describe('a runner of a fleet', () => {
  it('sleeps without an instance, and gets one for its first task', async () => {
    fixture.addFleet({ instanceTypes: ['t4g.small', 't4g.medium'] });
    const runner = await aRunner();
    expect(runner).toMatchObject({ status: 'stopped', fleet: 'sydney' });
    const { woken, task } = await wakeFor(runner);
    expect(fixture.orders).toMatchObject([
      {
        region: 'ap-southeast-2',
        launchTemplate: 'Reveille-sydney',
        instanceTypes: ['t4g.small', 't4g.medium'],
        market: 'on-demand',
        runner: fullIdOf(runner),
        apiUrl: 'https://api.test',
      },
    ]);
    expect(woken).toMatchObject({ status: 'starting', assigned: [task.id], instanceType: 't4g.small' });
    expect(await fixture.deps.runners.findByInstance(woken.instanceId ?? '')).toMatchObject({
      id: runner.id,
    });
    expect(woken.launch).toBeUndefined();
  });

  it('stops its instance and starts it again', async () => {
    fixture.addFleet();
    const runner = await aRunner({ idleTimeoutMs: 0 });
    const { woken, task } = await wakeFor(runner);
    const agent = await enrolAndBeat(woken);
    await stopTask(fixture.deps, task, 'Ann');
    expect(await drain(fixture.deps, agent)).toEqual({ sleep: true });
    await stopDrained(fixture.deps, await fixture.reload(runner));
    await fixture.instanceBecomes(woken, 'stopped');
    expect(await fixture.reload(runner)).toMatchObject({ status: 'stopped', instanceId: woken.instanceId });
    await wakeFor(runner);
    expect(fixture.calls).toEqual([`stop ${woken.instanceId}`, `start ${woken.instanceId}`]);
    expect(fixture.orders).toHaveLength(1);
  });

  it('hibernates when its fleet is configured so', async () => {
    fixture.addFleet({ whenIdle: 'hibernate' });
    const runner = await aRunner({ idleTimeoutMs: 0 });
    const { woken, task } = await wakeFor(runner);
    const agent = await enrolAndBeat(woken);
    await stopTask(fixture.deps, task, 'Ann');
    await drain(fixture.deps, agent);
    await stopDrained(fixture.deps, await fixture.reload(runner));
    expect(fixture.calls).toEqual([`hibernate ${woken.instanceId}`]);
  });

  it('loses its instance when its fleet terminates it, and gets another one', async () => {
    fixture.addFleet({ spot: true, whenIdle: 'terminate' });
    const runner = await aRunner({ idleTimeoutMs: 0 });
    const { woken, task } = await wakeFor(runner);
    expect(woken.market).toBe('spot');
    const agent = await enrolAndBeat(woken);
    await stopTask(fixture.deps, task, 'Ann');
    await drain(fixture.deps, agent);
    await stopDrained(fixture.deps, await fixture.reload(runner));
    expect(fixture.calls).toEqual([`terminate ${woken.instanceId}`]);
    await fixture.instanceBecomes(woken, 'shutting-down');
    fixture.pass(1000);
    await fixture.instanceBecomes(woken, 'terminated');
    const bare = await fixture.reload(runner);
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
    expect(fixture.orders).toHaveLength(2);
  });

  it('is billed once for an instance that was gone before its start was seen', async () => {
    fixture.addFleet({ whenIdle: 'terminate' });
    const { woken, task } = await wakeFor(await aRunner());
    const credentialVersion = await enrol(woken);
    await fixture.beat(woken, [], undefined, undefined, credentialVersion);
    await stopTask(fixture.deps, task, 'Ann');
    fixture.pass(90_000);
    for (const state of ['shutting-down', 'shutting-down', 'terminated'] as const)
      await fixture.instanceBecomes(woken, state);
    const now = fixture.deps.now();
    const { from, to } = idsBetween('ses', woken.createdAt, now);
    const [session, ...more] = await fixture.deps.sessions.listBetween(poolOf(woken), from, to);
    expect(session).toMatchObject({ instanceId: woken.instanceId, instanceType: 't4g.small', endedAt: now });
    expect(msBetween(session?.startedAt ?? now, now)).toBe(90_000);
    expect(more).toEqual([]);
  });

  it('gets another instance at once for work that came during the termination', async () => {
    fixture.addFleet({ whenIdle: 'terminate' });
    const runner = await aRunner({ idleTimeoutMs: 0 });
    const { woken, task } = await wakeFor(runner);
    const agent = await enrolAndBeat(woken);
    await stopTask(fixture.deps, task, 'Ann');
    await drain(fixture.deps, agent);
    await stopDrained(fixture.deps, await fixture.reload(runner));
    const { task: late } = await wakeFor(runner);
    await fixture.instanceBecomes(woken, 'terminated');
    expect(await fixture.reload(runner)).toMatchObject({ status: 'starting', assigned: [late.id] });
    expect(fixture.orders).toHaveLength(2);
    expect((await fixture.reload(runner)).failedStarts).toBeUndefined();
  });

  it('runs the task of a terminated instance again, on another one', async () => {
    fixture.addFleet();
    const runner = await aRunner();
    const { woken, task } = await wakeFor(runner);
    const agent = await enrolAndBeat(woken);
    await claimTask(fixture.deps, agent, { projectId: fixture.projectId, taskId: task.id });
    await fixture.instanceBecomes(woken, 'shutting-down');
    fixture.pass(1000);
    await fixture.instanceBecomes(woken, 'terminated');
    expect(await fixture.reload(runner)).toMatchObject({
      status: 'starting',
      assigned: [task.id],
      slots: [],
    });
    expect((await fixture.reload(runner)).instanceId).not.toBe(woken.instanceId);
    expect(fixture.orders).toHaveLength(2);
  });

  it('forgets an instance that is terminated while it sleeps', async () => {
    fixture.addFleet();
    const runner = await aRunner();
    const { woken, task } = await wakeFor(runner);
    await enrolAndBeat(woken);
    await stopTask(fixture.deps, task, 'Ann');
    await fixture.instanceBecomes(woken, 'stopped');
    await fixture.instanceBecomes(woken, 'terminated');
    expect(await fixture.reload(runner)).toMatchObject({ status: 'stopped' });
    expect((await fixture.reload(runner)).instanceId).toBeUndefined();
  });

  it('keeps its instance while EC2 does not show the recent launch', async () => {
    fixture.addFleet();
    const runner = await aRunner();
    const { woken } = await wakeFor(runner);
    const { describe } = fixture.deps.instances;
    fixture.deps.instances.describe = async () => undefined;
    await reconcile(fixture.deps);
    expect((await fixture.reload(runner)).instanceId).toBe(woken.instanceId);
    fixture.deps.instances.describe = describe;
  });

  it('is quarantined after EC2 reclaimed three instances in a row before their agents came up', async () => {
    fixture.addFleet();
    const runner = await aRunner();
    await fixture.start(fixture.addTemplate());
    await fixture.wake(runner);
    for (let tries = 0; tries < 3; tries++) {
      fixture.pass(5000);
      await fixture.instanceBecomes(await fixture.reload(runner), 'terminated');
    }
    expect(await fixture.reload(runner)).toMatchObject({
      failedStarts: 3,
      quarantinedAt: fixture.deps.now(),
      fault: {
        code: 'start_fell_back',
        detail: expect.stringContaining('terminated before its agent came up'),
      },
    });
    expect(fixture.orders).toHaveLength(3);
    await reconcile(fixture.deps);
    await reconcile(fixture.deps);
    expect((await fixture.reload(runner)).status).toBe('stopped');
  });

  it('terminates an instance whose agent never came up, and tries another', async () => {
    fixture.addFleet();
    const runner = await aRunner();
    const { woken } = await wakeFor(runner);
    await fixture.instanceBecomes(woken, 'running');
    fixture.pass(6 * minuteMs);
    await reconcile(fixture.deps);
    expect(fixture.calls).toEqual([`terminate ${woken.instanceId}`]);
    await fixture.instanceBecomes(woken, 'terminated');
    expect(fixture.orders).toHaveLength(2);
    expect(await fixture.reload(runner)).toMatchObject({ status: 'starting', failedStarts: 1 });
  });

  it('shows a fault when its fleet is gone from cdk.json', async () => {
    const runner = await aRunner();
    const { woken } = await wakeFor(runner);
    expect(woken.fault).toMatchObject({ code: 'unknown_fleet', detail: expect.stringContaining('cdk.json') });
    expect(woken.quarantinedAt).toBeDefined();
  });

  it('keeps its instance and its region in any change of its settings', async () => {
    fixture.addFleet();
    const runner = await aRunner();
    const { woken } = await wakeFor(runner);
    const { name, tags, maxParallelTasks, idleTimeoutMs, fleet } = woken;
    const input = { name, tags, maxParallelTasks, idleTimeoutMs, fleet, active: true };
    expect(await fixture.deps.runners.configure(woken, input)).toMatchObject({
      instanceId: woken.instanceId,
      region: 'ap-southeast-2',
      fleet: 'sydney',
    });
  });
});

describe('capacity', () => {
  it('falls back from spot to on-demand in the same wake, and shows that on the runner', async () => {
    fixture.addFleet({ spot: true, whenIdle: 'terminate' });
    fixture.noCapacity.add('spot');
    const runner = await aRunner();
    const { woken } = await wakeFor(runner);
    expect(fixture.orders.map(({ market }) => market)).toEqual(['spot', 'on-demand']);
    expect(new Set(fixture.orders.map(({ clientToken }) => clientToken)).size).toBe(2);
    expect(woken).toMatchObject({ market: 'on-demand', instanceId: expect.stringMatching(/^i-/) });
  });

  it('is requested again under another token, with longer waits, until its fault is gone', async () => {
    fixture.addFleet();
    fixture.noCapacity.add('on-demand');
    const runner = await aRunner();
    const { woken } = await wakeFor(runner);
    expect(woken.fault).toMatchObject({ code: 'InsufficientInstanceCapacity' });
    fixture.pass(minuteMs);
    await reconcile(fixture.deps);
    expect(fixture.orders).toHaveLength(2);
    expect(fixture.orders[0]?.clientToken).not.toBe(fixture.orders[1]?.clientToken);
    fixture.noCapacity.clear();
    fixture.pass(5 * minuteMs);
    await reconcile(fixture.deps);
    const recovered = await fixture.reload(runner);
    expect(recovered.instanceId).toBeDefined();
    expect(recovered.fault).toBeUndefined();
  });

  it('leaves the task to another runner when it is missing', async () => {
    fixture.addFleet();
    fixture.noCapacity.add('on-demand');
    const { task } = await wakeFor(await aRunner());
    const other = await fixture.addRunner({ instanceId: 'i-0123456789abcdef0' });
    await reconcile(fixture.deps);
    expect((await fixture.reload(other)).assigned).toEqual([task.id]);
  });
});

describe('an interrupted launch', () => {
  /** Simulates a crash after CreateFleet, before the instance is recorded. */
  const dieAfterLaunch = async (runner: RunnerRecord) => {
    const { bind } = fixture.deps.runners;
    fixture.deps.runners.bind = () => Promise.reject(new Error('died'));
    const task = await fixture.start(fixture.addTemplate());
    await expect(fixture.wake(runner)).rejects.toThrow('died');
    fixture.deps.runners.bind = bind;
    return task;
  };

  it('leaves no orphan: the instance is found and assigned to the runner', async () => {
    fixture.addFleet();
    const runner = await aRunner();
    await dieAfterLaunch(runner);
    await reconcile(fixture.deps);
    expect((await fixture.reload(runner)).instanceId).toBeUndefined();
    fixture.pass(minuteMs);
    expect(await reconcile(fixture.deps)).toMatchObject({ launch_done_again: 1 });
    expect(fixture.orders).toHaveLength(1);
    expect(await fixture.reload(runner)).toMatchObject({ instanceId: expect.stringMatching(/^i-/) });
  });

  it('returns the same instance by the same token when EC2 does not show it', async () => {
    fixture.addFleet();
    const runner = await aRunner();
    await dieAfterLaunch(runner);
    fixture.deps.instances.listLaunched = async () => [];
    fixture.pass(minuteMs);
    await reconcile(fixture.deps);
    const [first, second] = fixture.orders;
    expect(second).toEqual(first);
  });

  it('is left to the call that is working on it', async () => {
    fixture.addFleet();
    const runner = await aRunner();
    const task = await fixture.start(fixture.addTemplate());
    const launch = { id: 'lch_1', at: fixture.deps.now() };
    expect(await fixture.deps.runners.beginLaunch(await fixture.reload(runner), launch)).toBeDefined();
    await fixture.wake(runner);
    expect(fixture.orders).toEqual([]);
    await stopTask(fixture.deps, task, 'Ann');
    await reconcile(fixture.deps);
    expect((await fixture.reload(runner)).status).toBe('starting');
  });

  it('ends with the instance terminated when there is no work', async () => {
    fixture.addFleet();
    const runner = await aRunner();
    const task = await dieAfterLaunch(runner);
    await stopTask(fixture.deps, task, 'Ann');
    fixture.pass(minuteMs);
    await reconcile(fixture.deps);
    const { instanceId = '' } = await fixture.reload(runner);
    expect(instanceId).not.toBe('');
    await reconcile(fixture.deps);
    expect(fixture.calls).toEqual([`terminate ${instanceId}`]);
    await fixture.instanceBecomes(await fixture.reload(runner), 'terminated');
    expect((await fixture.reload(runner)).status).toBe('stopped');
  });

  it('leaves a late instance to the reconciler when its runner has moved on', async () => {
    fixture.addFleet();
    const runner = await aRunner();
    const { launch } = fixture.deps.instances;
    fixture.deps.instances.launch = async (order) => {
      const { launch: noted } = await fixture.reload(runner);
      if (noted) await fixture.deps.runners.endLaunch(runner, noted);
      return launch(order);
    };
    const { woken, task } = await wakeFor(runner);
    expect(woken.instanceId).toBeUndefined();
    await stopTask(fixture.deps, task, 'Ann');
    fixture.pass(3 * minuteMs);
    expect(await reconcile(fixture.deps)).toEqual({ launch_called_off: 1, orphan_terminated: 1 });
    expect(fixture.calls).toEqual([expect.stringMatching(/^terminate i-/)]);
  });

  it('is called off when it failed', async () => {
    fixture.addFleet();
    fixture.noCapacity.add('on-demand');
    const runner = await aRunner();
    const { task } = await wakeFor(runner);
    await stopTask(fixture.deps, task, 'Ann');
    expect(await reconcile(fixture.deps)).toEqual({ launch_called_off: 1 });
    expect((await fixture.reload(runner)).status).toBe('stopped');
  });
});

describe('an instance without a runner', () => {
  const launchFor = async (runner: RunnerRecord, apiUrl = fixture.deps.apiUrl) => {
    const outcome = await fixture.deps.instances.launch({
      ...fixture.addFleet(),
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
    expect(await reconcile(fixture.deps)).toEqual({});
    fixture.pass(3 * minuteMs);
    expect(await reconcile(fixture.deps)).toEqual({ orphan_terminated: 1 });
    expect(fixture.calls).toEqual([`terminate ${stray}`]);
  });

  it('is terminated when its runner was removed, even while stopped', async () => {
    fixture.addFleet();
    const runner = await aRunner();
    const { woken, task } = await wakeFor(runner);
    await enrolAndBeat(woken);
    await stopTask(fixture.deps, task, 'Ann');
    await fixture.instanceBecomes(woken, 'stopped');
    fixture.pass(3 * minuteMs);
    expect(await reconcile(fixture.deps)).toEqual({});
    expect(await removeRunner(fixture.deps, await fixture.reload(runner))).toBe(true);
    expect(await reconcile(fixture.deps)).toEqual({ orphan_terminated: 1 });
    expect(fixture.calls).toEqual([`terminate ${woken.instanceId}`]);
  });

  it('is left alone when another control plane with the same stack name launched it', async () => {
    await launchFor(await aRunner(), 'https://other.test');
    fixture.pass(3 * minuteMs);
    expect(await reconcile(fixture.deps)).toEqual({});
    expect(fixture.calls).toEqual([]);
  });

  it('is left alone when its fleet is not in cdk.json, as its purpose is unknown', async () => {
    await launchFor(await aRunner());
    fixture.deps.fleets.length = 0;
    fixture.addFleet({ name: 'other' });
    fixture.pass(3 * minuteMs);
    expect(await reconcile(fixture.deps)).toEqual({});
  });
});

describe('the schedule of a fleet', () => {
  it('is sent to the agent, and governs the decision to sleep', async () => {
    // The fixture begins on a Thursday at noon.
    const noonHour = {
      days: ['thu' as const],
      from: '12:00',
      to: '13:00',
      timeZone: 'UTC',
      idleTimeoutMs: 3_600_000,
    };
    fixture.addFleet({ schedule: [noonHour] });
    const runner = await aRunner({ idleTimeoutMs: 0 });
    const { woken, task } = await wakeFor(runner);
    const agent = await enrolAndBeat(woken);
    await stopTask(fixture.deps, task, 'Ann');
    const told = async () =>
      (await fixture.beat(runner, [], undefined, undefined, agent.credentialVersion))?.settings.idleTimeoutMs;
    expect(await told()).toBe(3_600_000);
    expect(await drain(fixture.deps, agent)).toMatchObject({ sleep: false });
    fixture.pass(10 * minuteMs);
    await told();
    expect(await reconcile(fixture.deps)).toEqual({});
    fixture.pass(51 * minuteMs);
    expect(await told()).toBe(0);
    expect(await reconcile(fixture.deps)).toEqual({ runner_put_to_sleep: 1 });
  });
});
