/** Schedules: saves, previews, the sync with EventBridge Scheduler, and the outcome of each due time. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  auditEvent,
  project,
  type Schedule,
  schedule,
  scheduledStart,
  scheduleInput,
  schedulePreview,
  task,
  toInstant,
} from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { unique } from '../../../test/unique.ts';
import { runSchedule } from '../../flows/schedules/run-schedule.ts';
import { repairSchedules } from '../../flows/schedules/sync-schedule.ts';
import { type ApiFixture, openApiFixture } from '../testing/fixture.ts';

let table: TestTable;
let api: ApiFixture;
beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table);
});
beforeEach(() => {
  api.scheduler.isDown = false;
});
afterAll(() => table?.close());

const listed = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item) });

/** A project with a template that asks for a site and a secret, and a schedule for it. */
const aSchedule = async (fields: object = {}) => {
  const { id } = project.parse(await api.call('POST', '/api/projects', { name: unique('Nightly') }));
  const base = `/api/projects/${id}`;
  const survey = [
    { name: 'site', title: 'Site', type: 'string', default: 'main' },
    { name: 'token', title: 'Token', type: 'secret' },
  ];
  const templateId = await api.make(`${base}/templates`, {
    name: 'Deploy',
    app: 'bash',
    script: 'true',
    tag: 'x',
    survey,
  });
  const input = { name: 'nightly', templateId, cron: '0 3 * * *', timeZone: 'Europe/Berlin', ...fields };
  const made = schedule.parse(await api.call('POST', `${base}/schedules`, input));
  const path = `${base}/schedules/${made.id}`;
  const due = (at: string, over: object = {}) =>
    runSchedule(
      api.deps,
      scheduledStart.parse({
        projectId: id,
        scheduleId: made.id,
        scheduledAt: at,
        cron: made.cron,
        timeZone: made.timeZone,
        ...over,
      }),
    );
  return {
    id,
    base,
    templateId,
    input,
    made,
    path,
    due,
    get: async (): Promise<Schedule> => schedule.parse(await api.call('GET', path)),
    replace: async (change: object): Promise<Schedule> =>
      schedule.parse(await api.call('PUT', path, { ...input, ...change })),
    tasks: async () => listed(task).parse(await api.call('GET', `${base}/tasks`)).items,
  };
};

describe('a schedule', () => {
  it('is shown with its next five runs, by the clock of its zone', async () => {
    const { base, made } = await aSchedule();
    expect(made.nextRuns).toHaveLength(5);
    for (const at of made.nextRuns) {
      const clock = new Intl.DateTimeFormat('de', { timeZone: 'Europe/Berlin', timeStyle: 'short' });
      expect(clock.format(Date.parse(at))).toBe('03:00');
    }
    expect(listed(schedule).parse(await api.call('GET', `${base}/schedules`)).items).toEqual([made]);
    expect(made).not.toHaveProperty('pending');
  });

  it('is handed to EventBridge Scheduler, and again after each change', async () => {
    const { made, replace } = await aSchedule({ startsAt: '2020-01-01T00:00:00.000Z' });
    expect(api.scheduler.has.get(made.id)).toMatchObject({
      expression: 'cron(0 3 * * ? *)',
      timeZone: 'Europe/Berlin',
    });
    // EventBridge Scheduler would reject a start in the past.
    expect(api.scheduler.has.get(made.id)?.startsAt).toBeUndefined();
    await replace({ cron: '*/30 9-17 * * 1-5', timeZone: 'Asia/Tokyo', endsAt: '2099-01-01T00:00:00.000Z' });
    expect(api.scheduler.has.get(made.id)).toMatchObject({
      expression: 'cron(0,30 9-17 ? * MON-FRI *)',
      timeZone: 'Asia/Tokyo',
      endsAt: '2099-01-01T00:00:00.000Z',
    });
  });

  it('is not in EventBridge Scheduler while it is inactive or ended', async () => {
    const { made, replace } = await aSchedule();
    expect(await replace({ active: false })).toMatchObject({ active: false, nextRuns: [] });
    expect(api.scheduler.has.has(made.id)).toBe(false);
    await replace({});
    expect(api.scheduler.has.has(made.id)).toBe(true);
    expect((await replace({ endsAt: '2020-01-01T00:00:00.000Z' })).nextRuns).toEqual([]);
    expect(api.scheduler.has.has(made.id)).toBe(false);
  });

  it('is removed from both', async () => {
    const { made, path, id } = await aSchedule();
    await api.call('DELETE', path);
    expect(await api.refused('GET', path)).toMatchObject({ code: 'not_found' });
    expect(api.scheduler.has.has(made.id)).toBe(false);
    expect((await table.dump()).filter(({ pk, sk }) => pk === id && sk === made.id)).toEqual([]);
  });

  it('protects its template from removal', async () => {
    const { base, templateId, path } = await aSchedule();
    expect(await api.refused('DELETE', `${base}/templates/${templateId}`)).toMatchObject({
      code: 'in_use',
      detail: expect.stringContaining('schedule "nightly"'),
    });
    await api.call('DELETE', path);
    await api.call('DELETE', `${base}/templates/${templateId}`);
  });

  it('is removed with its project, from EventBridge Scheduler too', async () => {
    const { base, made } = await aSchedule();
    await api.call('DELETE', base);
    expect(api.scheduler.has.has(made.id)).toBe(false);
  });

  it('drops the fields that a change leaves out', async () => {
    const { replace } = await aSchedule({ message: 'why', priority: 5, endsAt: '2099-01-01T00:00:00.000Z' });
    const after = await replace({ message: undefined, priority: undefined, endsAt: undefined });
    for (const field of ['message', 'priority', 'endsAt']) expect(after).not.toHaveProperty(field);
  });

  const wrong: [string, object, string, string][] = [
    ['a cron expression', { cron: '0 25 * * *' }, 'cron', 'has a wrong hour, "25"'],
    [
      'days of month and of week together',
      { cron: '0 0 13 * 5' },
      'cron',
      'make one of the two fields *, or make two schedules',
    ],
    ['a time zone', { timeZone: 'Europe/Atlantis' }, 'timeZone', 'such as Europe/Berlin'],
    ['a time zone in small letters', { timeZone: 'europe/berlin' }, 'timeZone', 'such as Europe/Berlin'],
    ['an offset for a time zone', { timeZone: '+01:00' }, 'timeZone', 'such as Europe/Berlin'],
    [
      'an end before its start',
      { startsAt: '2026-02-01T00:00:00.000Z', endsAt: '2026-01-01T00:00:00.000Z' },
      'endsAt',
      'later than startsAt',
    ],
    ['an answer that nobody asked for', { survey: { color: 'red' } }, 'survey.color', 'is not a variable'],
    [
      'options of another app',
      { terraform: { action: 'plan' } },
      'terraform.action',
      'is not for a template',
    ],
  ];
  it.each(wrong)('rejects a wrong field: %s', async (_what, fields, path, message) => {
    const { base, path: item, input } = await aSchedule();
    for (const [method, at] of [
      ['POST', `${base}/schedules`],
      ['PUT', item],
    ] as const) {
      const refused = await api.refused(method, at, { body: { ...input, ...fields } });
      expect(refused).toMatchObject({ code: 'invalid_request' });
      expect(refused.errors).toEqual([{ path, message: expect.stringContaining(message) }]);
    }
    expect(listed(schedule).parse(await api.call('GET', `${base}/schedules`)).items).toHaveLength(1);
  });

  it('accepts only a template of its own project', async () => {
    const other = await aSchedule();
    const { base, input } = await aSchedule();
    const body = { ...input, templateId: other.templateId };
    expect(await api.refused('POST', `${base}/schedules`, { body })).toMatchObject({
      code: 'invalid_reference',
    });
  });
});

describe('the secret answers of a schedule', () => {
  it('are never shown, and stay until they are replaced or emptied', async () => {
    const { made, replace, due, tasks } = await aSchedule({ survey: { site: 'a', token: 's3cret-1' } });
    expect(made).toMatchObject({ survey: { site: 'a' }, secretNames: ['token'] });
    const after = await replace({ survey: { site: 'b' } });
    expect(after).toMatchObject({ survey: { site: 'b' }, secretNames: ['token'] });
    expect(JSON.stringify([made, after])).not.toContain('s3cret');
    await due('2026-01-01T02:00:00Z');
    const [started] = await tasks();
    const stored = (await table.dump()).find(({ sk }) => sk === started?.id);
    expect(stored?.surveySecrets).toEqual({ token: 's3cret-1' });
    expect(await replace({ survey: { token: null } })).toMatchObject({ secretNames: [] });
    await replace({ survey: { token: 's3cret-2' } });
    expect(await replace({ survey: { token: '' } })).toMatchObject({ secretNames: [] });
  });
});

const otherTemplate = async (base: string, survey: object): Promise<string> => {
  const input = { name: unique('Other'), app: 'bash', script: 'true', tag: 'x', survey };
  return api.make(`${base}/templates`, input);
};

describe('the secret answer of a schedule whose variable is not secret any longer', () => {
  it('stays secret, for its tasks and for each change of it', async () => {
    const { base, templateId, replace, get, due, tasks } = await aSchedule({ survey: { token: 's3cret-3' } });
    const survey = [{ name: 'token', title: 'Token', type: 'string', required: true }];
    const template = { name: 'Deploy', app: 'bash', script: 'true', tag: 'x', survey };
    await api.call('PUT', `${base}/templates/${templateId}`, template);
    await due('2026-01-01T02:00:00Z');
    expect(await replace({ message: 'why' })).toMatchObject({ secretNames: ['token'] });
    await due('2026-01-02T02:00:00Z');
    expect(await replace({ survey: { token: 's3cret-4' } })).toMatchObject({ secretNames: ['token'] });
    await due('2026-01-03T02:00:00Z');
    const started = await tasks();
    expect(started).toHaveLength(3);
    expect(JSON.stringify([started, await get()])).not.toContain('s3cret');
    const stored = (await table.dump()).filter(({ sk }) => started.some(({ id }) => id === sk));
    expect(stored.map(({ surveySecrets }) => surveySecrets)).toEqual([
      { token: 's3cret-3' },
      { token: 's3cret-3' },
      { token: 's3cret-4' },
    ]);
    // For another template it is a new answer, with the secrecy of that survey.
    await replace({ survey: { token: 'plain' }, templateId: await otherTemplate(base, survey) });
    expect(await get()).toMatchObject({ secretNames: [], survey: { token: 'plain' } });
  });
});

describe('a time that is due', () => {
  it('starts the template once, however often it is delivered', async () => {
    const { made, due, tasks, get } = await aSchedule({ survey: { site: 'a' }, priority: 3 });
    await Promise.all([1, 2, 3].map(() => due('2026-01-01T02:00:00Z')));
    await due('2026-01-01T02:00:00Z');
    const all = await tasks();
    expect(all).toMatchObject([
      {
        createdBy: 'schedule nightly',
        message: 'Schedule nightly',
        survey: { site: 'a' },
        priority: 3,
        templateId: made.templateId,
      },
    ]);
    expect((await get()).lastRun).toEqual({
      at: '2026-01-01T02:00:00.000Z',
      outcome: 'started',
      detail: `Started task ${all[0]?.id}.`,
      taskId: all[0]?.id,
      taskStatus: 'waiting',
    });
    await due('2026-01-02T02:00:00Z');
    expect(await tasks()).toHaveLength(2);
  });

  it('starts nothing when the schedule is inactive, and records that', async () => {
    const { replace, due, tasks, get } = await aSchedule();
    await replace({ active: false });
    await due('2026-01-01T02:00:00Z');
    expect(await tasks()).toEqual([]);
    expect((await get()).lastRun).toMatchObject({
      outcome: 'inactive',
      detail: 'The schedule is not active.',
    });
    expect(api.logged.at(-1)?.message).toBe('A schedule is due and starts nothing');
  });

  it('starts nothing when the schedule was removed, and logs it', async () => {
    const { path, due, tasks } = await aSchedule();
    await api.call('DELETE', path);
    await due('2026-01-01T02:00:00Z');
    expect(await tasks()).toEqual([]);
    expect(api.logged.at(-1)?.message).toBe('A removed schedule is due');
  });

  it('starts nothing by an earlier expression of the schedule', async () => {
    const { due, tasks, get } = await aSchedule();
    await due('2026-01-01T02:00:00Z', { cron: '0 4 * * *' });
    expect(await tasks()).toEqual([]);
    expect((await get()).lastRun).toMatchObject({ outcome: 'outdated' });
  });

  it('starts nothing without its template, and records that', async () => {
    const { id, templateId, due, get } = await aSchedule();
    await api.deps.resources.templates.remove(id, templateId);
    await due('2026-01-01T02:00:00Z');
    expect((await get()).lastRun).toMatchObject({
      outcome: 'refused',
      detail: 'The template is not in the project any more.',
    });
  });

  it('is refused when the survey has changed, and names the missing answer', async () => {
    const { base, templateId, due, get } = await aSchedule();
    await api.call('PUT', `${base}/templates/${templateId}`, {
      name: 'Deploy',
      app: 'bash',
      script: 'true',
      survey: [{ name: 'region', title: 'Region', type: 'string', required: true }],
    });
    await due('2026-01-01T02:00:00Z');
    expect((await get()).lastRun?.detail).toBe('The template does not take it: survey.region is required.');
  });

  it("is in the project's trail once with its task, however often it is delivered", async () => {
    const { base, made, due, tasks } = await aSchedule();
    const at = '2026-01-01T02:00:00Z';
    await due(at);
    await due(at);
    const [started] = await tasks();
    const trail = listed(auditEvent).parse(await api.call('GET', `${base}/audit`)).items;
    expect(trail.filter(({ operation }) => operation === 'startTask')).toMatchObject([
      { actor: { id: made.id, name: 'nightly' }, target: `${base}/tasks/${started?.id}` },
    ]);
  });

  it('keeps its outcome as started when it is repeated, or when an older time arrives', async () => {
    const { replace, due, get } = await aSchedule();
    await due('2026-01-02T02:00:00Z');
    await replace({ active: false });
    await due('2026-01-02T02:00:00Z');
    await due('2026-01-01T02:00:00Z');
    expect((await get()).lastRun).toMatchObject({ at: '2026-01-02T02:00:00.000Z', outcome: 'started' });
  });

  it('records a failure on the schedule, and fails the invocation for a retry', async () => {
    const { made, get, tasks, id } = await aSchedule();
    const event = scheduledStart.parse({
      projectId: id,
      scheduleId: made.id,
      scheduledAt: '2026-01-01T02:00:00Z',
      cron: made.cron,
      timeZone: made.timeZone,
    });
    const broken = { ...api.deps, readForTask: () => Promise.reject(new Error('Throttled')) };
    await expect(runSchedule(broken, event)).rejects.toThrow('Throttled');
    expect((await get()).lastRun).toMatchObject({
      outcome: 'failed',
      detail: 'The task could not be started: Throttled',
    });
    await runSchedule(api.deps, event);
    expect((await get()).lastRun).toMatchObject({ outcome: 'started' });
    expect(await tasks()).toHaveLength(1);
  });
});

/** Two texts of a survey of 13 with this total size in bytes. */
const answersOf = (bytes: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: 13 }, (_, index) => [
      `V${index}`,
      'x'.repeat(Math.max(0, Math.min(32_768, bytes - index * 32_768))),
    ]),
  );

describe('a schedule with the most answers that fit', () => {
  const aLargeSchedule = async () => {
    const made = await aSchedule();
    const survey = Object.keys(answersOf(0)).map((name) => ({ name, title: 'V', type: 'string' }));
    const template = { name: 'Deploy', app: 'bash', script: 'true', tag: 'x', survey };
    await api.call('PUT', `${made.base}/templates/${made.templateId}`, template);
    return made;
  };
  const fitting = 392_000;

  it('leaves room for its due time and the error of EventBridge Scheduler', async () => {
    const { replace, due, get, path } = await aLargeSchedule();
    await replace({ survey: answersOf(fitting) });
    await due('2026-01-01T02:00:00Z');
    expect((await get()).lastRun).toMatchObject({ outcome: 'started' });
    api.scheduler.isDown = true;
    await replace({ survey: answersOf(fitting), cron: '0 4 * * *' });
    expect((await get()).pending).toContain('Rate exceeded');
    api.scheduler.isDown = false;
    await api.call('DELETE', path);
  });

  it('rejects one more answer by the name of its field, and stays unchanged', async () => {
    const { replace, input, path, get } = await aLargeSchedule();
    const before = await replace({ survey: answersOf(fitting) });
    for (const bytes of [393_300, 409_107, 409_144, 420_000]) {
      const body = { ...input, cron: '0 5 * * *', survey: answersOf(bytes) };
      expect(await api.refused('PUT', path, { body })).toMatchObject({
        status: 422,
        code: 'item_too_large',
        errors: [{ path: 'survey', message: 'is too long' }],
      });
    }
    expect(await get()).toEqual(before);
    expect(await repairSchedules(api.deps)).toEqual({});
  });

  it('can be removed also when an earlier version stored more, and stops no other', async () => {
    const { id, made, path, base } = await aLargeSchedule();
    const other = await aSchedule();
    const waits = { live: 'schedule', liveKey: made.id, pending: 'It waits.', survey: answersOf(300_000) };
    const add = (set: object) => table.table.update({ pk: id, sk: made.id }, { set: { ...set } }, []);
    await add(waits);
    let [fits, isTooMuch] = [100_000, 120_000];
    while (isTooMuch - fits > 1) {
      const bytes = Math.floor((fits + isTooMuch) / 2);
      const isTaken = await add({ arguments: ['x'.repeat(bytes)] }).then(
        () => true,
        () => false,
      );
      [fits, isTooMuch] = isTaken ? [bytes, isTooMuch] : [fits, bytes];
    }
    const parts = Array.from({ length: 30 }, (_, index) =>
      'x'.repeat(Math.max(0, Math.min(4000, fits - 29 - 29 - index * 4000))),
    );
    await add({ arguments: parts });
    const { schedules } = api.deps;
    const before = { ...other.made, version: 1 };
    await schedules.replace(before, scheduleInput.parse({ ...other.input, cron: '0 5 * * *' }), {});
    expect(await repairSchedules(api.deps)).toEqual({
      failed_and_left_for_later: 1,
      schedule_handed_over: 1,
    });
    await api.call('DELETE', path);
    await api.call('DELETE', base);
    expect((await table.dump()).filter(({ sk }) => sk === made.id)).toEqual([]);
  });
});

describe('the API while EventBridge Scheduler does not answer', () => {
  it('keeps a change as pending until the reconciler has handed it over', async () => {
    const { made, replace, get } = await aSchedule();
    api.scheduler.isDown = true;
    const after = await replace({ cron: '0 4 * * *' });
    expect(after).toMatchObject({ cron: '0 4 * * *', pending: expect.stringContaining('Rate exceeded') });
    expect(await repairSchedules(api.deps)).toEqual({ schedule_left_for_later: 1 });
    api.scheduler.isDown = false;
    expect(await repairSchedules(api.deps)).toEqual({ schedule_handed_over: 1 });
    expect(await get()).not.toHaveProperty('pending');
    expect(api.scheduler.has.get(made.id)?.expression).toBe('cron(0 4 * * ? *)');
    expect(await repairSchedules(api.deps)).toEqual({});
  });

  it('hides a removed schedule at once, and removes it from EventBridge Scheduler later', async () => {
    const { base, made, path, due, tasks } = await aSchedule();
    api.scheduler.isDown = true;
    await api.call('DELETE', path);
    expect(await api.call('GET', `${base}/schedules`)).toEqual({ items: [] });
    await due('2026-01-01T02:00:00Z');
    expect(await tasks()).toEqual([]);
    api.scheduler.isDown = false;
    await repairSchedules(api.deps);
    expect(api.scheduler.has.has(made.id)).toBe(false);
    expect((await table.dump()).filter(({ sk }) => sk === made.id)).toEqual([]);
  });

  it('keeps the project, since nothing else could remove its schedules later', async () => {
    const { base, made } = await aSchedule();
    api.scheduler.isDown = true;
    expect(await api.refused('DELETE', base)).toMatchObject({ code: 'unavailable' });
    expect(await api.call('GET', base)).toMatchObject({ id: made.projectId });
    api.scheduler.isDown = false;
    await api.call('DELETE', base);
    expect(api.scheduler.has.has(made.id)).toBe(false);
  });

  it('repeats the work of an interrupted function, once its turn is over', async () => {
    const { input, made, get } = await aSchedule();
    const { schedules } = api.deps;
    const before = { ...made, version: 1 };
    await schedules.replace(before, scheduleInput.parse({ ...input, cron: '0 5 * * *' }), {});
    await schedules.takeTurn(made, toInstant(Date.parse(api.deps.now()) + 90_000));
    expect(await repairSchedules(api.deps)).toEqual({ schedule_left_for_later: 1 });
    expect((await get()).pending).toBeDefined();
    api.pass(90_001);
    expect(await repairSchedules(api.deps)).toEqual({ schedule_handed_over: 1 });
    expect(api.scheduler.has.get(made.id)?.cron).toBe('0 5 * * *');
  });

  it('ends with the last of concurrent changes', async () => {
    const { made, replace, get } = await aSchedule();
    await Promise.all([10, 20, 30, 40, 50].map((minute) => replace({ cron: `${minute} 3 * * *` })));
    await repairSchedules(api.deps);
    const now = await get();
    expect(now).not.toHaveProperty('pending');
    expect(api.scheduler.has.get(made.id)?.cron).toBe(now.cron);
  });
});

describe('a preview', () => {
  const ask = (query: Record<string, string>) =>
    api.request('GET', `/api/schedule-preview?${new URLSearchParams(query)}`);

  it('shows the expression in words and its next runs', async () => {
    const response = await ask({ cron: '0 3 * * 1-5', timeZone: 'America/New_York' });
    expect(response.status).toBe(200);
    const { sentence, nextRuns } = schedulePreview.parse(await response.json());
    expect(sentence).toBe('At 03:00, Monday through Friday');
    expect(nextRuns).toHaveLength(5);
  });

  it('explains a wrong expression in words', async () => {
    const refused = z
      .object({ errors: z.array(z.object({ path: z.string(), message: z.string() })) })
      .parse(await (await ask({ cron: '0 3 * *' })).json());
    expect(refused.errors).toEqual([
      { path: 'cron', message: expect.stringContaining('must have five fields') },
    ]);
    expect((await ask({ cron: '0 3 * * *', timeZone: 'Mars/Base' })).status).toBe(422);
  });
});
