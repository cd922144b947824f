/** Starts on the EC2 stand-in with EC2's token buckets, over a real table; only the clock is manual. */
import { EC2Client } from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestEc2, type TestEc2 } from '../../../local/testing/ec2.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { ec2Instances, type Instances } from '../../adapters/runners/instances.ts';
import type { StartsRequest } from '../../adapters/runners/power-requests.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { reconcile } from '../reconcile/reconcile.ts';
import { type FlowFixture, flowFixture } from '../testing.ts';
import { type BatchDeps, isStartable } from './start-batch.ts';
import { runBatches, startInTurn, startLeft } from './start-turns.ts';

let table: TestTable;
let fixture: FlowFixture;
let ec2: TestEc2;
let deps: FlowFixture['deps'] & BatchDeps;
let instances: Instances;

beforeEach(async () => {
  table = await openTestTable();
  fixture = flowFixture(table.table);
  ec2 = await startTestEc2(() => new Date(fixture.deps.now()));
  const { endpoint, credentials, region } = ec2;
  instances = ec2Instances((config) => new EC2Client({ ...config, endpoint, credentials, region }));
  deps = { ...fixture.deps, instances };
});
afterEach(async () => {
  await ec2?.stop();
  await table?.close();
});

/** Makes runners that are `starting`, as a start of a task leaves them. */
const starting = async (
  count: number,
  input: Parameters<typeof ec2.control.createStoppedInstance>[0] = {},
) => {
  const made: RunnerRecord[] = [];
  for (let number = 0; number < count; number++) {
    const runner = await fixture.addRunner({ instanceId: ec2.control.createStoppedInstance(input) });
    const woken = await deps.runners.wake(runner, runner.status, 'starting', deps.now());
    if (!woken || !isStartable(woken)) throw new Error('the runner is not starting');
    made.push(woken);
  }
  return made;
};
const wakeAll = (runners: readonly RunnerRecord[]) =>
  Promise.all(runners.map((runner) => startInTurn(deps, runner)));
/** Does the work of `runner-power` until nobody asks for it. */
const runRequested = async () => {
  for (let request = fixture.startRequests.shift(); request; request = fixture.startRequests.shift())
    await runBatches(deps, request);
};
const isOn = (runner: RunnerRecord) =>
  ec2.control.list().some(({ id, state }) => id === runner.instanceId && state !== 'stopped');
const left = () => deps.starts.list(deps.region);
const faultOf = async (runner: RunnerRecord) => (await fixture.reload(runner)).fault?.code;

describe('starts', () => {
  it('make one call for one runner, and leave nothing behind', async () => {
    const [runner] = await starting(1);
    if (runner) await startInTurn(deps, runner);
    expect(runner && isOn(runner)).toBe(true);
    expect(ec2.callsOf('StartInstances')).toBe(1);
    expect(fixture.startRequests).toEqual([]);
    expect(await deps.starts.takeLease(deps.region, 'another')).toBe(true);
  });

  it('are gathered when they come together: 40 need at most 12 calls, and none is lost', async () => {
    const runners = await starting(40);
    await wakeAll(runners);
    await runRequested();
    expect(runners.every(isOn)).toBe(true);
    expect(ec2.callsOf('StartInstances')).toBeLessThanOrEqual(12);
    expect(await left()).toEqual([]);
  });

  it('wait for the tokens of EC2, one second after another', async () => {
    const runners = await starting(6);
    for (const runner of runners) await startInTurn(deps, runner);
    expect(runners.filter(isOn)).toHaveLength(5);
    const before = deps.now();
    await runRequested();
    expect(runners.every(isOn)).toBe(true);
    expect(Date.parse(deps.now()) - Date.parse(before)).toBe(1000);
  });

  it('are not lost when the holder of the lease dies: the reconciler has them started', async () => {
    const runners = await starting(3);
    await deps.starts.takeLease(deps.region, 'dead');
    await wakeAll(runners);
    expect(fixture.startRequests).toEqual([]);
    expect(await startLeft(deps, deps.region)).toBe(false);
    expect(fixture.startRequests).toEqual([]);
    fixture.pass(20_000);
    const repairs = await reconcile(deps);
    expect(repairs).toMatchObject({ left_starts_taken_up: 1 });
    await runRequested();
    expect(runners.every(isOn)).toBe(true);
  });

  it('take the lease themselves when its holder has looked for the last time', async () => {
    const [late] = await starting(1);
    if (!late) throw new Error('one is needed');
    await deps.starts.takeLease(deps.region, 'holder');
    const starts = {
      ...deps.starts,
      takeLease: async (region: string, holder: string) => {
        const isTaken = await deps.starts.takeLease(region, holder);
        await deps.starts.releaseLease(region, 'holder');
        return isTaken;
      },
    };
    const startSoon = (request: StartsRequest) => runBatches(deps, request);
    await startInTurn({ ...deps, starts, startSoon }, late);
    expect(isOn(late)).toBe(true);
  });

  it('are seen by the holder when they come while it releases the lease', async () => {
    const [first, second] = await starting(2);
    if (!first || !second) throw new Error('two are needed');
    const { releaseLease } = deps.starts;
    let isBefore = true;
    const starts = {
      ...deps.starts,
      releaseLease: async (region: string, holder: string) => {
        if (isBefore) {
          isBefore = false;
          await startInTurn(deps, second);
        }
        await releaseLease(region, holder);
      },
    };
    await startInTurn({ ...deps, starts }, first);
    expect(fixture.startRequests).toHaveLength(1);
    await runRequested();
    expect([first, second].every(isOn)).toBe(true);
  });

  it('are left out when nobody wants them any more, also of a batch', async () => {
    const [first, second] = await starting(2);
    if (!first || !second) throw new Error('two are needed');
    await deps.starts.put(deps.region, first, 'req_1');
    await deps.starts.put(deps.region, second, 'req_2');
    await deps.runners.leave(first, ['starting'], 'stopped', deps.now());
    await runBatches(deps, { region: deps.region, lease: 'lse_1' });
    expect([first, second].map(isOn)).toEqual([false, true]);
    expect(await left()).toEqual([]);
  });

  it('stop no other when they cannot be read', async () => {
    const [runner] = await starting(1);
    if (!runner) throw new Error('one is needed');
    await table.table.put({ pk: `starts#${deps.region}`, sk: 'nonsense' });
    await deps.starts.put(deps.region, runner, 'req_1');
    await runBatches(deps, { region: deps.region, lease: 'lse_1' });
    expect(isOn(runner)).toBe(true);
    expect(await left()).toEqual([]);
  });

  it('stay when a runner asks again before its earlier entry is removed', async () => {
    const [runner] = await starting(1);
    if (!runner) throw new Error('one is needed');
    await deps.starts.put(deps.region, runner, 'req_1');
    const [read] = await left();
    await deps.starts.put(deps.region, runner, 'req_2');
    if (read) await deps.starts.remove(deps.region, read);
    expect(await left()).toMatchObject([{ request: 'req_2' }]);
  });
});

describe('a batch', () => {
  const batch = async (runners: readonly RunnerRecord[]) => {
    for (const runner of runners) await deps.starts.put(deps.region, runner, deps.newId('req'));
    await runBatches(deps, { region: deps.region, lease: 'lse_1' });
    expect(await left()).toEqual([]);
  };

  it('starts all others when one instance is gone, one is kept for another project, one still stops', async () => {
    const good = await starting(8);
    const [gone] = await starting(1);
    const [foreign] = await starting(1, { tags: { 'reveille:project': 'prj_other' } });
    if (!gone || !foreign) throw new Error('they are needed');
    ec2.control.terminate(gone.instanceId ?? '');
    await batch([...good, gone, foreign]);
    expect(good.every(isOn)).toBe(true);
    expect(isOn(foreign)).toBe(false);
    expect(await faultOf(foreign)).toBe('instance_of_another_project');
    expect(ec2.callsOf('StartInstances')).toBe(2);
  });

  it('starts all others when EC2 names an instance that it does not know', async () => {
    const good = await starting(8);
    const unknown = await fixture.addRunner({ instanceId: 'i-0000000000000dead' });
    const woken = await deps.runners.wake(unknown, unknown.status, 'starting', deps.now());
    if (!woken) throw new Error('it is needed');
    await batch([woken, ...good]);
    expect(good.every(isOn)).toBe(true);
    expect(await fixture.reload(woken)).toMatchObject({ fault: { code: 'InvalidInstanceID.NotFound' } });
    expect((await fixture.reload(woken)).quarantinedAt).toBeDefined();
  });

  it('splits after a fault that names no instance, and settles every start', async () => {
    const runners = await starting(9);
    ec2.control.failNext('StartInstances', 'UnauthorizedOperation', 'You are not authorized.', 2);
    await batch(runners);
    expect(runners.every(isOn)).toBe(true);
  });

  it('stops asking for a type and zone once EC2 has no room for a single one', async () => {
    const runners = await starting(32);
    ec2.control.failNext('StartInstances', 'InsufficientInstanceCapacity', 'No t4g.small is left.', 100);
    await batch(runners);
    expect(ec2.callsOf('StartInstances')).toBeLessThanOrEqual(10);
    const faults = await Promise.all(runners.map(faultOf));
    expect(new Set(faults)).toEqual(new Set(['InsufficientInstanceCapacity']));
  });

  it('goes on with the others when one start cannot be settled', async () => {
    const runners = await starting(3);
    const [bad] = runners;
    const log = {
      ...deps.log,
      info: (message: string, about: Readonly<Record<string, unknown>>) => {
        if (message === 'Started an instance' && about.runnerId === bad?.id) throw new Error('died');
      },
    };
    deps = { ...deps, log };
    await batch(runners);
    expect(runners.every(isOn)).toBe(true);
  });

  it('leaves the rest after 20 s, with the lease free', async () => {
    const runners = await starting(3);
    for (const runner of runners) await deps.starts.put(deps.region, runner, deps.newId('req'));
    ec2.control.failNext('StartInstances', 'RequestLimitExceeded', 'Request limit exceeded.', 1000);
    await runBatches(deps, { region: deps.region, lease: 'lse_1' });
    expect(await left()).toHaveLength(3);
    expect(ec2.callsOf('StartInstances')).toBe(20);
    expect(await deps.starts.takeLease(deps.region, 'another')).toBe(true);
  });
});
