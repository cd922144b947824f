/** Data for the console: routing, timelines, cost history, dashboard; and sleep on request. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addMs,
  costHistory,
  costReport,
  dashboard,
  listedRunner,
  liveTasks,
  type ProjectId,
  page,
  project,
  routing,
  task,
  taskTimeline,
  timeline,
} from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { unique } from '../../../test/unique.ts';
import { openSessionFacts } from '../../core/costs/cost.ts';
import { type ApiFixture, openApiFixture } from '../testing/fixture.ts';

let table: TestTable;
let api: ApiFixture;
beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table);
});
afterAll(() => table?.close());

const finish = (session: string, lease: string, body: object) =>
  api.call('POST', '/api/agent/finish', { lease, logChunks: 0, ...body }, session);

const dayMs = 86_400_000;
let instances = 0;

/** A project with one task that ran for 50 s on an instance that took 20 s to boot, and one that failed. */
const aWorkedProject = async (instanceType = 't4g.small') => {
  const { id } = project.parse(await api.call('POST', '/api/projects', { name: unique('Web') }));
  const base = `/api/projects/${id}`;
  const templateId = await api.make(`${base}/templates`, {
    name: 'Deploy',
    app: 'bash',
    script: 'true',
    tag: 'sydney',
  });
  instances += 1;
  const instanceId = `i-0123456789abcde${String(instances).padStart(2, '0')}`;
  const made = await api.createRunner(`${base}/runners`, { name: 'sydney-1', tags: ['sydney'], instanceId });
  const first = await api.startTask(id, templateId);
  const runner = await api.deps.runners.get(id, made.runner.id);
  if (!runner) throw new Error('no runner');
  const startedAt = api.deps.now();
  await api.deps.runners.openSession(
    runner,
    { id: api.deps.newId('ses', startedAt), startedAt },
    instanceType,
  );
  api.pass(20_000);
  const session = await api.startAgent(made);
  const { lease } = await api.claim(session, id, first.id);
  api.pass(50_000);
  await finish(session, lease, { status: 'success', exitCode: 0 });
  const second = await api.startTask(id, templateId);
  const claimed = await api.claim(session, id, second.id);
  await finish(session, claimed.lease, { status: 'error', exitCode: 2 });
  api.pass(10_000);
  return { id, base, templateId, made, first, second, session, startedAt };
};

describe('routing', () => {
  it('names the runners for a task of a template, of a tag, and of an inventory', async () => {
    const { base, templateId, made } = await aWorkedProject();
    const ask = async (query: string) => routing.parse(await api.call('GET', `${base}/routing?${query}`));
    const inventoryId = await api.make(`${base}/inventories`, {
      name: 'Hosts',
      type: 'static',
      content: 'a',
      tag: 'sydney',
    });
    for (const query of [`templateId=${templateId}`, 'tag=sydney', `inventoryId=${inventoryId}`]) {
      expect(await ask(query), query).toMatchObject({ tag: 'sydney', runnerId: made.runner.id });
    }
    expect((await ask(`tag=tokyo&inventoryId=${inventoryId}`)).sentence).toMatch(/^No runner has tag tokyo/);
  });

  it('rejects an object of another project', async () => {
    const { base } = await aWorkedProject();
    const refused = await api.refused('GET', `${base}/routing?templateId=${api.deps.newId('tpl')}`);
    expect(refused.code).toBe('invalid_reference');
  });
});

describe('the timeline of a task', () => {
  it('has a time for each step that it took', async () => {
    const { base, first, startedAt } = await aWorkedProject();
    const { steps } = taskTimeline.parse(await api.call('GET', `${base}/tasks/${first.id}/trip`));
    expect(steps.map(({ step }) => step)).toEqual([
      'queued',
      'runner_chosen',
      'webhook_sent',
      'instance_starting',
      'agent_online',
      'claimed',
      'running',
      'finished',
      'instance_stopped',
    ]);
    const at = Object.fromEntries(steps.map((one) => [one.step, one.at]));
    expect(at).toMatchObject({
      queued: startedAt,
      runner_chosen: startedAt,
      webhook_sent: startedAt,
      instance_starting: startedAt,
      agent_online: addMs(startedAt, 20_000),
      claimed: addMs(startedAt, 20_000),
      finished: addMs(startedAt, 70_000),
    });
    expect(at.instance_stopped).toBeUndefined();
    expect(steps.at(-1)?.isNeeded).toBe(true);
  });

  it('has no webhook and no boot when the runner was up', async () => {
    const { base, second } = await aWorkedProject();
    const { steps } = taskTimeline.parse(await api.call('GET', `${base}/tasks/${second.id}/trip`));
    const needed = steps.filter(({ isNeeded }) => isNeeded).map(({ step }) => step);
    expect(needed).toEqual(['queued', 'runner_chosen', 'claimed', 'finished', 'instance_stopped']);
  });
});

describe('the timeline of a runner', () => {
  it('shows asleep, waking, busy and idle, and the tasks', async () => {
    const { base, made, first } = await aWorkedProject();
    const path = `${base}/runners/${made.runner.id}/timeline`;
    const { bands, tasks } = timeline.parse(await api.call('GET', path));
    expect(bands.map(({ state }) => state)).toEqual(['asleep', 'waking', 'busy', 'idle']);
    expect(tasks.map(({ id }) => id)).toEqual([first.id]);
    const tooLong = await api.refused('GET', `${path}?from=2020-01-01T00:00:00.000Z`);
    expect(tooLong.code).toBe('invalid_request');
  });

  it('shows the tasks of all projects for a global runner', async () => {
    const made = await api.createRunner('/api/runners', { name: 'shared' });
    const { bands } = timeline.parse(await api.call('GET', `/api/runners/${made.runner.id}/timeline`));
    expect(bands.map(({ state }) => state)).toEqual(['asleep']);
  });
});

describe('the history of costs', () => {
  it('splits instance time, adds up to the report, and estimates other idle timeouts', async () => {
    const { base, id, templateId, startedAt } = await aWorkedProject();
    const from = addMs(startedAt, -1000);
    const history = costHistory.parse(await api.call('GET', `${base}/costs/history?from=${from}`));
    const [runner] = history.runners;
    expect(runner).toMatchObject({
      bootingMs: 20_000,
      workingMs: 50_000,
      idleMs: 10_000,
      meanBootMs: 20_000,
    });
    expect(runner?.policies.map(({ idleTimeoutMs }) => idleTimeoutMs)).toEqual([
      undefined,
      0,
      300_000,
      900_000,
      3_600_000,
    ]);
    const report = await api.call('GET', `${base}/costs`);
    expect(report).toMatchObject({ spentMicroUsd: runner?.spentMicroUsd });
    const spent = history.days.reduce((sum, day) => sum + day.spentMicroUsd, 0);
    expect(spent).toBe(runner?.spentMicroUsd);
    const alwaysOn = history.days.reduce((sum, day) => sum + day.alwaysOnMicroUsd, 0);
    expect(alwaysOn).toBeGreaterThan(0);
    expect(runner?.alwaysOnMicroUsd).toBe(alwaysOn);
    const { runner: unused } = await api.createRunner(`${base}/runners`, {
      name: 'sydney-2',
      instanceId: `i-0123456789abcdf${String(instances).padStart(2, '0')}`,
    });
    const later = costHistory.parse(await api.call('GET', `${base}/costs/history?from=${from}`));
    expect(later.runners.find(({ runnerId }) => runnerId === unused.id)).toMatchObject({ spentMicroUsd: 0 });
    expect(history.templates).toMatchObject([
      { templateId, tasks: 1, runMs: 50_000, alwaysOnMicroUsd: alwaysOn },
    ]);
    expect(id).toMatch(/^prj_/);
  });

  it('agrees with the report about any window, also when an instance has been on for weeks', async () => {
    const { base, id, made } = await aWorkedProject();
    const at = api.deps.now();
    const runner = await api.deps.runners.get(id, made.runner.id);
    const facts = runner && openSessionFacts(runner, 'us-east-1');
    if (!facts) throw new Error('no session');
    // One window of three weeks, and one of 1.5 days.
    const past = (startedDaysAgo: number, endedDaysAgo: number) => {
      const startedAt = addMs(at, -startedDaysAgo * dayMs);
      const endedAt = addMs(at, -endedDaysAgo * dayMs);
      return api.deps.sessions.put({ ...facts, id: api.deps.newId('ses', startedAt), startedAt, endedAt });
    };
    await past(31, 10);
    await past(8, 0.5);
    const hourly = 16_800;
    for (const [fromDays, toDays, hours] of [
      [12, 11, 24],
      [10.5, 9, 12],
      [9, 8, 0],
      [3, 1, 48],
      [1, 0.25, 12],
    ] as const) {
      const window = `from=${addMs(at, -fromDays * dayMs)}&to=${addMs(at, -toDays * dayMs)}`;
      const report = costReport.parse(await api.call('GET', `${base}/costs?${window}`));
      const history = costHistory.parse(await api.call('GET', `${base}/costs/history?${window}`));
      const over = (key: 'spentMicroUsd' | 'alwaysOnMicroUsd') =>
        history.days.reduce((total, day) => total + day[key], 0);
      expect(report.spentMicroUsd, window).toBe(hours * hourly);
      expect(over('spentMicroUsd'), window).toBe(report.spentMicroUsd);
      expect(over('alwaysOnMicroUsd'), window).toBe(report.alwaysOnMicroUsd);
    }
  });

  it('agrees with the report about shares of a global runner, also when windows cut a task', async () => {
    const { id } = project.parse(await api.call('POST', '/api/projects', { name: 'Shared' }));
    const base = `/api/projects/${id}`;
    const templateId = await api.make(`${base}/templates`, { name: 'Build', app: 'bash', script: 'true' });
    const made = await api.createRunner('/api/runners', {
      name: 'for all',
      instanceId: 'i-0aaaaaaaaaaaaaa77',
    });
    const first = await api.startTask(id, templateId);
    const runner = await api.deps.runners.get('global', made.runner.id);
    const startedAt = api.deps.now();
    const opened = { id: api.deps.newId('ses', startedAt), startedAt };
    if (runner) await api.deps.runners.openSession(runner, opened, 't4g.small');
    api.pass(20_000);
    const session = await api.startAgent(made);
    const { lease } = await api.claim(session, id, first.id);
    api.pass(50_000);
    await finish(session, lease, { status: 'success', exitCode: 0 });
    api.pass(10_000);
    const spentIn = async (fromMs: number, toMs: number) => {
      const window = `from=${addMs(startedAt, fromMs)}&to=${addMs(startedAt, toMs)}`;
      const report = costReport.parse(await api.call('GET', `${base}/costs?${window}`));
      const history = costHistory.parse(await api.call('GET', `${base}/costs/history?${window}`));
      expect(history.days.reduce((sum, { spentMicroUsd }) => sum + spentMicroUsd, 0)).toBe(
        report.spentMicroUsd,
      );
      expect(history.templates.reduce((sum, { microUsd }) => sum + microUsd, 0)).toBe(report.spentMicroUsd);
      return report.spentMicroUsd;
    };
    // 80 s of a t4g.small, not used by another project; the task ran from 20 s to 70 s.
    expect(await spentIn(-1000, 80_000)).toBe(373);
    expect([await spentIn(-1000, 45_000), await spentIn(45_000, 80_000)]).toEqual([187, 186]);
    expect(await spentIn(72_000, 78_000)).toBe(0);
  });

  it('names the types that have no price, as the report and the dashboard do', async () => {
    const { base, made } = await aWorkedProject('x9.mega');
    const unpriced = [{ instanceType: 'x9.mega', region: 'us-east-1' }];
    const history = costHistory.parse(await api.call('GET', `${base}/costs/history`));
    expect(history).toMatchObject({ unpriced, runners: [{ spentMicroUsd: 0 }] });
    expect(await api.call('GET', `${base}/costs`)).toMatchObject({ unpriced, spentMicroUsd: 0 });
    expect(await api.call('GET', `${base}/dashboard`)).toMatchObject({ unpriced });
    const type = { region: 'us-east-1', instanceType: 'x9.mega' };
    await api.deps.prices.beginAsking(type, api.deps.now(), addMs(api.deps.now(), 1000));
    const price = { microUsdPerHour: 3_600_000, asOf: '2026-11-28' };
    await api.deps.prices.keep(type, price, addMs(api.deps.now(), 1000));
    const known = costHistory.parse(await api.call('GET', `${base}/costs/history`));
    expect(known).toMatchObject({
      unpriced: [],
      runners: [{ runnerId: made.runner.id, spentMicroUsd: 80_000 }],
    });
    expect(await api.call('GET', `${base}/costs`)).toMatchObject({ unpriced: [], pricesAsOf: '2026-11-28' });
  });

  it('ends at the present, like the report', async () => {
    const { base } = await aWorkedProject();
    const now = api.deps.now();
    const report = costReport.parse(await api.call('GET', `${base}/costs?to=2099-01-01T00:00:00.000Z`));
    expect(report).toMatchObject({ to: now, from: addMs(now, -30 * 86_400_000) });
    expect(report.alwaysOnMicroUsd).toBeLessThan(1000);
    const { to } = costHistory.parse(
      await api.call('GET', `${base}/costs/history?to=2099-01-01T00:00:00.000Z`),
    );
    expect(to).toBe(now);
    const refused = await api.refused('GET', `${base}/costs?from=2099-01-01T00:00:00.000Z`);
    expect(refused.code).toBe('invalid_request');
  });

  it('rejects a window of over three months', async () => {
    const { base } = await aWorkedProject();
    const refused = await api.refused('GET', `${base}/costs/history?from=2020-01-01T00:00:00.000Z`);
    expect(refused.code).toBe('invalid_request');
  });
});

describe('the dashboard', () => {
  it('counts ended tasks by day, and shows failed, running and waiting ones', async () => {
    const { base, id, templateId, second, session } = await aWorkedProject();
    const running = await api.startTask(id, templateId);
    await api.claim(session, id, running.id);
    const waiting = await api.startTask(id, templateId);
    const live = liveTasks.parse(await api.call('GET', `${base}/live`));
    expect(live.running.map((one) => one.id)).toEqual([running.id]);
    expect(live.waiting).toMatchObject([
      { id: waiting.id, reason: '1 of 1 slot of sydney-1 is taken; this one is next.' },
    ]);
    const found = dashboard.parse(await api.call('GET', `${base}/dashboard?days=1`));
    expect(found.failures.map((one) => one.id)).toEqual([second.id]);
    const ended = found.days.filter(({ succeeded, failed }) => succeeded + failed > 0);
    expect(ended.reduce((sum, { succeeded }) => sum + succeeded, 0)).toBe(1);
    expect(ended.reduce((sum, { failed }) => sum + failed, 0)).toBe(1);
    expect(found.spentMicroUsd).toBeGreaterThan(0);
  });
});

describe('the listing of tasks', () => {
  const list = async (projectId: ProjectId, query: string) =>
    page(task).parse(await api.call('GET', `/api/projects/${projectId}/tasks?${query}`)).items;

  it('shows each cost, and filters by text and time', async () => {
    const { id, first, second, startedAt } = await aWorkedProject();
    const both = [second.id, first.id];
    expect((await list(id, '')).find((one) => one.id === first.id)?.costMicroUsd).toBeGreaterThan(0);
    expect((await list(id, 'search=dePLOY')).map((one) => one.id)).toEqual(both);
    expect(await list(id, 'search=nothing')).toEqual([]);
    expect((await list(id, 'createdBy=admin')).length).toBe(2);
    // An id contains its creation time by the machine's clock, and the fixture's own clock is ahead of that.
    expect((await list(id, `from=${addMs(startedAt, -3_600_000)}`)).length).toBe(2);
    expect(await list(id, `from=${addMs(startedAt, 3_600_000)}`)).toEqual([]);
    expect(await list(id, `to=${addMs(startedAt, -3_600_000)}`)).toEqual([]);
    expect(await list(id, `from=${startedAt}&to=${addMs(startedAt, -1)}`)).toEqual([]);
    const { nextCursor } = page(task).parse(await api.call('GET', `/api/projects/${id}/tasks?limit=1`));
    expect(await list(id, `cursor=${nextCursor}&from=${addMs(startedAt, 3_600_000)}`)).toEqual([]);
  });
});

describe('the listing of runners', () => {
  it('shows the cost of each instance since a given time, on request', async () => {
    const { base, startedAt } = await aWorkedProject();
    await api.createRunner(`${base}/runners`, { name: 'rack' });
    const list = async (query: string) =>
      page(listedRunner).parse(await api.call('GET', `${base}/runners?${query}`)).items;
    expect((await list('')).map(({ spentMicroUsd }) => spentMicroUsd)).toEqual([undefined, undefined]);
    // 80 s of a t4g.small.
    const since = (ms: number) => list(`spentSince=${addMs(startedAt, ms)}`);
    expect((await since(0)).map(({ spentMicroUsd }) => spentMicroUsd)).toEqual([373, undefined]);
    expect((await since(40_000))[0]?.spentMicroUsd).toBe(186);
    expect((await since(365 * 86_400_000))[0]?.spentMicroUsd).toBe(0);
    const longAgo = addMs(startedAt, -32 * 86_400_000);
    expect((await api.refused('GET', `${base}/runners?spentSince=${longAgo}`)).code).toBe('invalid_request');
  });
});

describe('putting a runner to sleep', () => {
  it('drains an idle one at once, and leaves a busy one alone', async () => {
    const { base, id, templateId, made, session } = await aWorkedProject();
    const path = `${base}/runners/${made.runner.id}/sleep`;
    const next = await api.startTask(id, templateId);
    const { lease } = await api.claim(session, id, next.id);
    expect((await api.refused('POST', path)).code).toBe('in_use');
    await finish(session, lease, { status: 'success', exitCode: 0 });
    expect(await api.call('POST', path)).toMatchObject({ status: 'draining' });
  });
});

// Last, since it lets days pass.
describe('a runner that starts late', () => {
  it('is compared from its first start on, so that no start changes the past', async () => {
    const { id } = project.parse(await api.call('POST', '/api/projects', { name: 'Late' }));
    const base = `/api/projects/${id}`;
    const made = await api.createRunner(`${base}/runners`, {
      name: 'late',
      instanceId: 'i-0aaaaaaaaaaaaaa78',
    });
    const bills = async () => {
      const history = costHistory.parse(await api.call('GET', `${base}/costs/history`));
      const report = costReport.parse(await api.call('GET', `${base}/costs`));
      const alwaysOn = history.days.map(({ alwaysOnMicroUsd }) => alwaysOnMicroUsd);
      expect(alwaysOn.reduce((sum, one) => sum + one, 0)).toBe(report.alwaysOnMicroUsd);
      return { alwaysOn, history };
    };
    api.pass(5 * 86_400_000);
    expect((await bills()).alwaysOn.every((one) => one === 0)).toBe(true);
    const startedAt = api.deps.now();
    const runner = await api.deps.runners.get(id, made.runner.id);
    if (!runner) throw new Error('no runner');
    const session = { id: api.deps.newId('ses', startedAt), startedAt };
    await api.deps.runners.openSession(runner, session, 't4g.small');
    api.pass(3_600_000);
    const { alwaysOn, history } = await bills();
    // An hour of a t4g.small, in which it was on without a task.
    expect(alwaysOn.reduce((sum, one) => sum + one, 0)).toBe(16_800);
    expect(history).toMatchObject({ withoutTaskMicroUsd: 16_800, templates: [] });
  });
});
