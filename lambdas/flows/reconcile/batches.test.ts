import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addMs, msBetween } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { placeOf } from '../../adapters/runners/runner-record.ts';
import type { Item, Key } from '../../adapters/table.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { type FlowFixture, flowFixture } from '../testing.ts';
import { reconcile } from './reconcile.ts';

let table: TestTable;
let fixture: FlowFixture;
/** Requests to DynamoDB and calls to EC2, by name. */
let requests: string[];
beforeEach(async () => {
  requests = [];
  table = await openTestTable();
  table.client.middlewareStack.add(
    (next, { commandName = '' }) =>
      (args) => {
        requests.push(commandName);
        return next(args);
      },
    { step: 'initialize' },
  );
  fixture = flowFixture(table.table);
  const { instances } = fixture.deps;
  fixture.deps.instances = new Proxy(instances, {
    get: (target, name: keyof typeof instances) => {
      requests.push(`EC2 ${name}`);
      return target[name];
    },
  });
  fixture.priceList.has = new Map([['t4g.small', 16_800]]);
});
afterEach(() => table?.close());

const serial = (n: number) => String(n).padStart(26, '0');

/** Stores items like this one: what `change` returns takes the place of the item's own fields. */
const copies = async (
  { projectId, id }: Pick<TaskRecord, 'projectId' | 'id'> | Pick<RunnerRecord, 'projectId' | 'id'>,
  count: number,
  change: (n: number) => Item & { readonly id: string },
): Promise<void> => {
  const item = await table.table.get({ pk: projectId ?? 'global', sk: id });
  if (!item) throw new Error('There is no such item');
  const made = Array.from({ length: count }, (_, n) => change(n)).map((changes): Key & Item => {
    const copy = { ...item, ...changes, pk: String(item.pk), sk: changes.id };
    return { ...copy, liveKey: String(item.liveKey).replaceAll(id, changes.id) };
  });
  await Promise.all(made.map((copy) => table.table.put(copy)));
};

const runnerId = (n: number) => `run_${serial(n)}` as const;
const taskId = (n: number) => `tsk_${serial(n)}` as const;
const instanceId = (n: number) => `i-${String(n).padStart(17, '0')}`;
const longLease = () => addMs(fixture.deps.now(), 86_400_000);

const online = async (): Promise<RunnerRecord> => {
  const runner = await fixture.addRunner({ instanceId: 'i-fffffffffffffffff', maxParallelTasks: 2 });
  await fixture.instanceBecomes(runner, 'running');
  await fixture.beat(runner);
  return fixture.reload(runner);
};

/** Adds runners that are online, with the lease of a day. */
const addOnline = async (like: RunnerRecord, count: number, change: (n: number) => Item = () => ({})) => {
  await copies(like, count, (n) => {
    fixture.setInstance({ ...like, instanceId: instanceId(n) }, 'running', fixture.deps.now());
    const own = { id: runnerId(n), instanceId: instanceId(n), leaseUntil: longLease() };
    return { ...own, ...change(n) };
  });
};

/** Makes each call that describes one instance take this long, on the fixture's clock. */
const slowEc2 = (ms: number, answers = true) => {
  const { describe } = fixture.deps.instances;
  const described: string[] = [];
  fixture.deps.instances.describe = async (ref) => {
    fixture.pass(ms);
    described.push(ref.instanceId ?? '');
    if (!answers) throw new Error('ServiceUnavailable');
    return describe(ref);
  };
  return described;
};

describe('a pass over 300 runners and 1,000 tasks with nothing to repair', () => {
  it('makes a request for each hundred of them, and ten more at most', async () => {
    const runner = await online();
    const running = await fixture.start(fixture.addTemplate());
    await fixture.claim(runner, running);
    const waiting = await fixture.start(fixture.addTemplate());
    await addOnline(runner, 299, (n) => {
      const slots = [taskId(2 * n), taskId(2 * n + 1)];
      const assigned = [taskId(600 + n), ...(n < 102 ? [taskId(899 + n)] : [])];
      const places = [...slots, ...assigned].map((id) => placeOf({ projectId: fixture.projectId, id }));
      return { slots: new Set(slots), assigned: new Set(assigned), places: new Set(places) };
    });
    await copies(running, 598, (n) => ({ id: taskId(n), runnerId: runnerId(Math.floor(n / 2)) }));
    await copies(waiting, 401, (n) => ({ id: taskId(600 + n), runnerId: runnerId(n % 299) }));
    await fixture.deps.tasks.stopWaiting(waiting, 'It was a pattern.', fixture.deps.now());
    await reconcile(fixture.deps);

    requests.length = 0;
    expect(await reconcile(fixture.deps)).toEqual({});
    expect(requests.length).toBeLessThanOrEqual(1300 / 100 + 10);
    const ec2 = requests.filter((name) => name.startsWith('EC2'));
    expect(ec2).toEqual(['EC2 listAwake', 'EC2 listImpaired']);
    expect(new Set(requests)).not.toContain('UpdateItemCommand');
  });
});

describe('a pass that runs out of time', () => {
  it('leaves the rest to the next one, though EC2 takes 200 ms for each of 280 runners', async () => {
    const runner = await online();
    // No event told that they run, so each needs a session.
    await addOnline(runner, 280, () => ({ session: undefined }));
    const forgotten = await fixture.addRunner({ instanceId: 'i-eeeeeeeeeeeeeeeee' });
    fixture.setInstance(forgotten, 'running', fixture.deps.now());
    const stuck = await fixture.start(fixture.addTemplate());
    const { projectId } = fixture;
    const key = { pk: projectId, sk: stuck.id };
    await table.table.update(key, { set: { runnerId: runnerId(999) } }, []);
    const described = slowEc2(200);
    const sessions = async () =>
      (await fixture.deps.runners.list(projectId)).filter(({ session }) => session).length;
    const assignee = async () => (await fixture.deps.tasks.get(projectId, stuck.id))?.runnerId;

    const begin = fixture.deps.now();
    const first = await reconcile(fixture.deps);
    expect(msBetween(begin, fixture.deps.now())).toBeLessThan(45_000);
    expect(await sessions()).toBeLessThan(200);
    // The steps after the runners have a share of the time, too.
    expect(first).toMatchObject({ forgotten_instance: 1, task_placed_again: 1 });
    expect(await assignee()).not.toBe(runnerId(999));

    await reconcile(fixture.deps);
    await reconcile(fixture.deps);
    expect(await sessions()).toBe(282);
    expect(new Set(described).size).toBe(281);
    expect((await fixture.deps.passPlaces.get()).runners).toBeUndefined();
  });

  it('begins with the silent agents, wherever the last one stopped', async () => {
    const runner = await online();
    const lapsed = addMs(fixture.deps.now(), -1);
    await addOnline(runner, 280, (n) => (n === 0 ? { leaseUntil: lapsed } : { session: undefined }));
    const since = fixture.deps.now();
    await fixture.deps.passPlaces.keep('runners', { step: 'runners', after: runnerId(100), since });
    const described = slowEc2(200);
    expect(await reconcile(fixture.deps)).toMatchObject({ silent_runner_stopped: 1 });
    expect(described[0]).toBe(instanceId(0));
    expect(described).not.toContain(instanceId(100));
    expect(described).toContain(instanceId(101));
  });

  it('comes to the end in later passes though each look fails, and says so after five minutes', async () => {
    const runner = await online();
    await addOnline(runner, 280, () => ({ session: undefined }));
    const described = slowEc2(2000, false);
    const late: number[] = [];
    const begin = fixture.deps.now();
    fixture.deps.log = {
      ...fixture.deps.log,
      error: (message) => {
        if (message.startsWith('The reconciler has not reached'))
          late.push(msBetween(begin, fixture.deps.now()));
      },
    };
    for (let pass = 1; pass <= 30 && new Set(described).size < 281; pass++) {
      await reconcile(fixture.deps);
      fixture.pass(pass * 60_000 - msBetween(begin, fixture.deps.now()));
    }
    expect(new Set(described).size).toBe(281);
    expect(late.length).toBeGreaterThan(3);
    expect(late.filter((ms) => ms < 5 * 60_000)).toEqual([]);
  });
});
