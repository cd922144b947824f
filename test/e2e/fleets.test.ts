/**
 * Fleets on the whole local stack: CreateFleet launches instances, which enrol without a secret, work, and
 * sleep or terminate.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import * as z from 'zod';
import { ApiError } from '../../local/sample/api-client.ts';
import type { LocalStack } from '../../local/stack.ts';
import {
  costHistory,
  fleet,
  hasEnded,
  listedRunner,
  type ProjectId,
  type Runner,
  runner,
  type Task,
} from '../../protocol/index.ts';
import { type Client, until } from '../client.ts';
import { itOnOwnStack, ownContext } from '../fixture.ts';
import { unique } from '../unique.ts';

let stack: LocalStack;
let api: Client;
let projectId: ProjectId;

/** Many fleets, because each test has its own runners. */
const fleets = [
  { name: 'local', region: 'us-east-1', instanceTypes: ['t4g.small', 't4g.medium'], maxInstances: 20 },
  {
    name: 'local-spot',
    region: 'us-east-1',
    instanceTypes: ['t4g.small', 'm7g.medium'],
    spot: true,
    maxInstances: 20,
  },
  {
    name: 'freezer',
    region: 'us-east-1',
    instanceTypes: ['t4g.small'],
    whenIdle: 'hibernate',
    volumeGiB: 12,
  },
  { name: 'far', region: 'eu-west-1', instanceTypes: ['t4g.small'] },
  { name: 'single', region: 'us-east-1', tags: ['single'], instanceTypes: ['t4g.small'], maxInstances: 1 },
];

// Slow stops and terminations, so that work can arrive meanwhile.
const it = itOnOwnStack({
  schedules: false,
  context: { ...ownContext, fleets },
  delays: { stoppingMs: 700 },
});
it.beforeAll(async ({ own }) => {
  ({ stack, api } = own);
  projectId = (await api.createProject('Fleets')).id;
});

let made = 0;
const path = (more = '') => `/api/projects/${projectId}/runners${more}`;
const addRunner = async (name: string, more: object = {}) => {
  const tags = [`${name}-${++made}`];
  const body = { name: tags[0], fleet: name, tags, idleTimeoutMs: 0, ...more };
  const [first] = z.object({ items: z.array(runner) }).parse(await api.call('POST', path(), body)).items;
  if (!first) throw new Error('no runner was made');
  return first;
};
const startFor = async ({ tags: [tag] }: Runner, script = 'pwd') => {
  const { id } = await api.createTemplate(projectId, { name: unique('test'), app: 'bash', script, tag });
  return api.startTask(projectId, id);
};
const ended = (task: Task) =>
  until(`${task.id} has ended`, 60_000, async () => {
    const now = await api.getTask(projectId, task.id);
    return hasEnded(now.status) && now;
  });
const read = (ref: Runner) => api.getRunner(projectId, ref.id);
const becomes = (ref: Runner, what: string, is: (now: Runner) => boolean) =>
  until(`${ref.name} ${what}`, 60_000, async () => {
    const now = await read(ref);
    return is(now) && now;
  });
const sleeps = (ref: Runner) => becomes(ref, 'sleeps', ({ status }) => status === 'stopped');
/**
 * Puts the runner to sleep. The API refuses while a slot is held: by its task, or for a moment after a second
 * doorbell.
 */
const isPutToSleep = (ref: Runner) =>
  api.call('POST', path(`/${ref.id}/sleep`)).then(
    () => true,
    (error: unknown) => {
      if (error instanceof ApiError && error.code === 'in_use') return false;
      throw error;
    },
  );
const launchedFor = (ref: Runner) =>
  stack.ec2.list().filter(({ tags }) => tags['reveille:runner'] === `${projectId}/${ref.id}`);
const createFleets = () =>
  stack
    .requests()
    .filter(({ operation }) => operation === 'CreateFleet')
    .reduce((sum, { count }) => sum + count, 0);
const outputOf = async (task: Task) =>
  (await api.readLog(projectId, task.id))
    .filter(({ stream }) => stream === 'stdout')
    .map(({ text }) => text)
    .join('');

describe('a fleet', () => {
  it('is listed with its number of used places', async () => {
    await addRunner('local');
    const list = z.object({ items: z.array(fleet) }).parse(await api.call('GET', '/api/fleets')).items;
    expect(list.map(({ name }) => name)).toEqual(['local', 'local-spot', 'freezer', 'far', 'single']);
    expect(list[0]).toMatchObject({ region: 'us-east-1', whenIdle: 'stop', maxInstances: 20, used: 1 });
    expect(list[1]).toMatchObject({
      spot: true,
      whenIdle: 'terminate',
      instanceTypes: ['t4g.small', 'm7g.medium'],
    });
  });

  it('rejects a runner over its maximum, and says what to do', async () => {
    const [first] = z
      .object({ items: z.array(runner) })
      .parse(await api.call('POST', path(), { name: 'single', fleet: 'single' })).items;
    expect(first).toMatchObject({
      fleet: 'single',
      tags: ['single'],
      region: 'us-east-1',
      status: 'stopped',
    });
    const another = () => api.call('POST', path(), { name: 'second', fleet: 'single' });
    await expect(another()).rejects.toMatchObject({
      code: 'fleet_full',
      message: expect.stringMatching(/has 1 of at most 1 runner, so.*raise its maxInstances in cdk.json/),
    });
    await api.call('DELETE', path(`/${first?.id}`));
    await expect(another()).resolves.toBeDefined();
  });
});

describe('a runner of a fleet', () => {
  it('launches an instance for its first task, and starts it again for the second', async () => {
    const one = await addRunner('local');
    const before = createFleets();
    const first = await ended(await startFor(one));
    expect(first).toMatchObject({ status: 'success', runnerId: one.id, attempt: 1 });
    const [instance] = launchedFor(one);
    expect(instance).toMatchObject({
      instanceType: 't4g.small',
      market: 'on-demand',
      tags: {
        Name: 'Reveille-local',
        'reveille:stack': 'Reveille',
        'reveille:fleet': 'local',
        'reveille:api': stack.url,
      },
    });
    expect(await outputOf(first)).toContain(instance?.id);
    expect(await sleeps(one)).toMatchObject({ instanceId: instance?.id, market: 'on-demand' });
    const config = join(stack.ec2.diskOf(instance?.id ?? ''), 'runner.json');
    const written = readFileSync(config, 'utf8');
    expect(await ended(await startFor(one))).toMatchObject({ status: 'success' });
    await sleeps(one);
    expect(launchedFor(one)).toHaveLength(1);
    expect(createFleets() - before).toBe(1);
    // It enrolled once and kept its configuration.
    expect(readFileSync(config, 'utf8')).toBe(written);
    const costs = await api.getCosts(projectId);
    expect(costs.sessions.filter(({ runnerId }) => runnerId === one.id)).toMatchObject([
      { instanceType: 't4g.small', market: 'on-demand', billedSeconds: 60, microUsd: 280 },
      { instanceType: 't4g.small', market: 'on-demand' },
    ]);
  });

  it('follows events of EC2 in another region than the control plane', async () => {
    const one = await addRunner('far');
    expect(await ended(await startFor(one))).toMatchObject({ status: 'success', attempt: 1 });
    expect(await sleeps(one)).toMatchObject({ region: 'eu-west-1' });
    expect(launchedFor(one)).toMatchObject([{ region: 'eu-west-1', state: 'stopped' }]);
  });

  it('gets a new spot instance for each task, and keeps none', async () => {
    const one = await addRunner('local-spot');
    for (const times of [1, 2]) {
      expect(await ended(await startFor(one))).toMatchObject({ status: 'success', attempt: 1 });
      const asleep = await becomes(one, 'has no instance', ({ instanceId }) => instanceId === undefined);
      expect(asleep).toMatchObject({ status: 'stopped' });
      expect(asleep.fault).toBeUndefined();
      expect(launchedFor(one).map(({ state, market }) => ({ state, market }))).toEqual(
        Array(times).fill({ state: 'terminated', market: 'spot' }),
      );
    }
    const today = `?spentSince=${new Date(Date.now() - 3_600_000).toISOString()}`;
    const { items } = z.object({ items: z.array(listedRunner) }).parse(await api.call('GET', path(today)));
    expect(items.find(({ id }) => id === one.id)?.spentMicroUsd).toBeGreaterThan(0);
    const history = costHistory.parse(await api.call('GET', `/api/projects/${projectId}/costs/history`));
    const bill = history.runners.find(({ runnerId }) => runnerId === one.id);
    expect(bill?.alwaysOnMicroUsd).toBeGreaterThan(0);
  });

  it.each(['local', 'local-spot'])('launches a %s instance when it is woken by hand', async (name) => {
    const one = await addRunner(name);
    await api.call('POST', path(`/${one.id}/wake`));
    await until('it is on', 60_000, () => launchedFor(one)[0]?.state === 'running');
    await sleeps(one);
    expect(launchedFor(one)).toHaveLength(1);
  });

  it('takes on-demand in the same wake when spot has no capacity, and says so', async () => {
    // EC2's reasons differ by type; the last one applies only to spot.
    stack.ec2.setShortages([
      { market: 'spot', instanceType: 't4g.small', code: 'InvalidParameterValue' },
      { market: 'spot', instanceType: 'm7g.medium', code: 'Unsupported' },
    ]);
    const one = await addRunner('local-spot', { idleTimeoutMs: 600_000 });
    try {
      expect(await ended(await startFor(one))).toMatchObject({ status: 'success', attempt: 1 });
      expect(await read(one)).toMatchObject({ market: 'on-demand', status: 'online' });
    } finally {
      stack.ec2.setShortages([]);
    }
    await until('it may sleep', 60_000, () => isPutToSleep(one));
    await becomes(one, 'has no instance', ({ instanceId }) => instanceId === undefined);
  });

  it('tries other types and zones, reports missing capacity, and launches once there is some', async () => {
    stack.ec2.setShortages([{ instanceType: 't4g.small' }]);
    const one = await addRunner('local');
    expect(await ended(await startFor(one))).toMatchObject({ status: 'success' });
    expect(launchedFor(one)).toMatchObject([{ instanceType: 't4g.medium' }]);
    for (const name of ['local', 'local-spot']) {
      stack.ec2.setShortages([{}]);
      const other = await addRunner(name);
      const task = await startFor(other);
      await until('its reason tells of the shortage', 60_000, async () => {
        const { reason } = await api.getTask(projectId, task.id);
        return reason !== undefined && /could not be woken: .*AWS has no capacity/.test(reason);
      });
      stack.ec2.setShortages([]);
      await until('it is launched', 60_000, async () => {
        await stack.invoke('Reconcile', {});
        return launchedFor(other).length > 0;
      });
      expect(await ended(task)).toMatchObject({ status: 'success' });
    }
  });

  it('hibernates in a fleet with hibernation, and keeps the same agent process', async () => {
    const one = await addRunner('freezer');
    expect(await ended(await startFor(one))).toMatchObject({ status: 'success' });
    const { instanceId = '' } = await sleeps(one);
    const instance = () => stack.ec2.list().find(({ id }) => id === instanceId);
    expect(instance()).toMatchObject({ state: 'stopped', isHibernating: true });
    const pid = () => readFileSync(join(stack.ec2.diskOf(instanceId), 'agent.pid'), 'utf8');
    const frozen = pid();
    expect(await ended(await startFor(one))).toMatchObject({ status: 'success' });
    expect(pid()).toBe(frozen);
    await sleeps(one);
  });

  it.each(['local', 'local-spot'])(
    'gets another %s instance at once when its instance is terminated while work waits',
    async (name) => {
      const one = await addRunner(name, { idleTimeoutMs: 600_000 });
      await ended(await startFor(one));
      const { instanceId = '' } = await read(one);
      const task = await startFor(one, '[ "$REVEILLE_ATTEMPT" = 2 ] || sleep 300');
      await until(
        'it runs',
        20_000,
        async () => (await api.getTask(projectId, task.id)).status === 'running',
      );
      stack.ec2.terminate(instanceId);
      const done = await ended(task);
      expect(done).toMatchObject({ status: 'success', attempt: 2 });
      expect(await read(one)).not.toMatchObject({ instanceId });
      expect(launchedFor(one)).toHaveLength(2);
      await api.call('POST', path(`/${one.id}/drain`));
      await sleeps(one);
    },
  );

  it('has its instance terminated when its task is stopped before the agent comes up', async () => {
    stack.faults.set([{ service: 'sts', operation: 'GetCallerIdentity', kind: 'error', probability: 1 }]);
    try {
      const one = await addRunner('local');
      const task = await startFor(one);
      await until('it runs', 60_000, () => launchedFor(one)[0]?.state === 'running');
      await api.stopTask(projectId, task.id);
      await stack.invoke('Reconcile', {});
      await becomes(one, 'has no instance', ({ instanceId }) => instanceId === undefined);
      expect(launchedFor(one)).toMatchObject([{ state: 'terminated' }]);
      expect(await sleeps(one)).toMatchObject({ status: 'stopped' });
    } finally {
      stack.faults.set([]);
    }
  });

  it('leaves no orphan when the function dies between the launch and the write of its record', async () => {
    const one = await addRunner('local');
    // The launch succeeds, but no answer ever reaches the client.
    stack.faults.set([{ service: 'ec2', operation: 'CreateFleet', kind: 'dropped', probability: 1 }]);
    const task = await startFor(one);
    stack.faults.set([]);
    expect(await read(one)).toMatchObject({ status: 'starting', assigned: [task.id] });
    expect((await read(one)).instanceId).toBeUndefined();
    expect(launchedFor(one)).toHaveLength(1);
    const [instance] = launchedFor(one);
    // The launching function may run for a minute.
    await until('the reconciler finds it', 90_000, async () => {
      await stack.invoke('Reconcile', {});
      return (await read(one)).instanceId === instance?.id;
    });
    expect(await ended(task)).toMatchObject({ status: 'success', attempt: 1 });
    expect(launchedFor(one)).toHaveLength(1);
    await sleeps(one);
  });
});

it('is denied no permission during these tests', ({ own }) => {
  expect(own.said().filter((line) => line.includes('is not authorized to perform'))).toEqual([]);
});
