/**
 * Input by any way is refused by its field's name, or stored and readable; no value stops a list or a pass.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  integration,
  integrationEvent,
  problem,
  receivedWebhookBody,
  scheduledStart,
  task,
  toInstant,
} from '../../protocol/index.ts';
import { caseFile, lacksCases } from '../../test/cases.ts';
import { openTestTable, type TestTable } from '../../test/dynamodb.ts';
import { reconcile } from '../flows/reconcile/reconcile.ts';
import { runSchedule } from '../flows/schedules/run-schedule.ts';
import { flowFixture } from '../flows/testing.ts';
import { parseWebhookBody } from '../flows/webhooks/webhook-body.ts';
import { type ApiFixture, openApiFixture } from './testing/fixture.ts';

let table: TestTable;
let api: ApiFixture;
let base: string;
let projectId: string;
const skipped: string[] = [];
const scheduleRuns = z.object({ lastRun: z.object({ outcome: z.string(), detail: z.string() }) });

let made = 0;
/** Gives each object a unique name. */
const named = <T extends object>(body: T) => ({ ...body, name: `n${made++}` });

const make = (path: string, body: object): Promise<string> => api.make(path, named(body));

const names = Array.from({ length: 20 }, (_, index) => `v${index}`);
const survey = names.map((name) => ({ name, title: name, type: 'string' }));
const script = { name: 'Deploy', app: 'bash', script: 'true', tag: 'nowhere' };

beforeAll(async () => {
  table = await openTestTable();
  const reporting = {
    ...table.table,
    reportUnreadable: ({ key }: { key: { sk: string } }) => skipped.push(key.sk),
  };
  api = await openApiFixture({ ...table, table: reporting });
  projectId = await make('/api/projects', { name: 'Doors' });
  base = `/api/projects/${projectId}`;
});
afterAll(() => table?.close());

/** Reads every page that people open, and runs a pass of the reconciler over the live items. */
const expectAllWell = async () => {
  const kinds = 'templates inventories repositories keys environments integrations schedules';
  const more =
    'runners tasks deliveries invitations members audit costs costs/history dashboard live api-tokens';
  const paths = [...kinds.split(' '), ...more.split(' '), 'registration-tokens'].map(
    (path) => `${base}/${path}`,
  );
  const global = ['/api/projects', '/api/users', '/api/api-tokens', '/api/audit', '/api/runners'];
  const answers = await Promise.all(
    [...paths, ...global].map(async (path) => `${path} ${(await api.request('GET', path)).status}`),
  );
  expect(answers.filter((answer) => !answer.endsWith(' 200'))).toEqual([]);
  const repairs = await reconcile(flowFixture(table.table).deps);
  expect(repairs.failed_and_left_for_later).toBeUndefined();
};

/** Outcome of an event that is accepted at once and processed afterwards, or refused. */
const outcomeOf = async (integrationId: string, answer: Response): Promise<string> => {
  if (!answer.ok) {
    expect(answer.status).toBe(422);
    return problem.parse(await answer.json()).detail;
  }
  const path = `${base}/integrations/${integrationId}/events`;
  const [event] = z.object({ items: z.array(integrationEvent) }).parse(await api.call('GET', path)).items;
  return event?.outcome === 'started' ? 'taken' : `${event?.outcome} ${event?.detail}`;
};

type Values = Readonly<Record<string, string>>;
/** Returns the text of a refusal, or "taken". */
type Door = (values: Values) => Promise<string>;

const byApi =
  (method: string, path: () => string, body: (values: Values) => Promise<object> | object): Door =>
  async (values) => {
    const response = await api.request(method, path(), { body: await body(values) });
    if (response.ok) return 'taken';
    const { status, code, detail, errors = [] } = problem.parse(await response.json());
    expect([413, 422]).toContain(status);
    return `${code} ${detail} ${errors.map(({ path, message }) => `${path} ${message}`).join('; ')}`;
  };

const withSurvey = () => make(`${base}/templates`, { ...script, survey });
const schedule = { name: 'Nightly', cron: '0 3 * * *' };

const doors: Readonly<Record<string, Door>> = {
  'variables of an environment': byApi(
    'POST',
    () => `${base}/environments`,
    (variables) => named({ variables }),
  ),
  'secrets of an environment': byApi(
    'POST',
    () => `${base}/environments`,
    (secrets) => named({ secrets }),
  ),
  'secret files of an environment': byApi(
    'POST',
    () => `${base}/environments`,
    (secretFiles) => named({ secretFiles }),
  ),
  'extra variables of a template': byApi(
    'POST',
    () => `${base}/templates`,
    (extraVars) => named({ ...script, app: 'ansible', ansible: { extraVars } }),
  ),
  'a start by a person': byApi(
    'POST',
    () => `${base}/tasks`,
    async (answers) => ({ templateId: await withSurvey(), survey: answers }),
  ),
  'a schedule': byApi(
    'POST',
    () => `${base}/schedules`,
    async (answers) => named({ ...schedule, templateId: await withSurvey(), survey: answers }),
  ),
  'an integration': async (values) => {
    const templateId = await withSurvey();
    const variables = Object.keys(values).map((name) => ({
      variable: name,
      source: { from: 'body', pointer: `/${name}` },
    }));
    const response = await api.request('POST', `${base}/integrations`, {
      body: named({ templateId, variables }),
    });
    if (!response.ok) return JSON.stringify(await response.json());
    const { id, url = '' } = integration.parse(await response.json());
    return outcomeOf(id, await api.request('POST', new URL(url).pathname, { token: null, body: values }));
  },
  'a schedule that is due': async (values) => {
    const templateId = await withSurvey();
    const input = { ...schedule, timeZone: 'UTC', templateId };
    const id = await make(`${base}/schedules`, input);
    // The template's own default is copied, whatever value an earlier version stored as one.
    const presets = survey.map((variable) => ({ ...variable, default: values[variable.name] }));
    const change = { set: { survey: presets } };
    const refused = await table.table.update({ pk: projectId, sk: templateId }, change, []).catch(String);
    if (typeof refused === 'string') return refused;
    const due = { ...input, projectId, scheduleId: id, scheduledAt: '2026-11-29T03:00:00Z' };
    await runSchedule(api.deps, scheduledStart.parse(due)).catch(() => undefined);
    const { lastRun } = scheduleRuns.parse(await table.table.get({ pk: projectId, sk: id }));
    return lastRun.outcome === 'started' ? 'taken' : lastRun.detail;
  },
};

const poisons: Readonly<Record<string, { values: Values; says: RegExp }>> = {
  'too long': {
    values: { v0: 'm'.repeat(40_000) },
    says: /v0 must have at most 32,768 characters|cannot be read: see survey/,
  },
  'a NUL': { values: { v0: 'a\u0000b' }, says: /v0 must not have the control character U\+0000/ },
  constructor: { values: JSON.parse('{"constructor":"x"}'), says: /constructor/ },
  __proto__: { values: JSON.parse('{"__proto__":"x"}'), says: /__proto__/ },
  'over 400 KB': {
    values: Object.fromEntries(names.map((name) => [name, 'm'.repeat(30_000)])),
    says: /bytes when stored, and 393,216 fit|bytes of this event, and may hold 204800/,
  },
};

describe('each door', () => {
  const table = Object.keys(doors).flatMap((door) =>
    Object.keys(poisons).map((kind) => [door, kind] as const),
  );

  it.each(table)('%s refuses %s by the name of the field, or stores what can be read', async (door, kind) => {
    const poison = poisons[kind];
    const outcome = await doors[door]?.(poison?.values ?? {});
    if (outcome !== 'taken') expect(outcome).toMatch(poison?.says ?? /./);
    if (kind === 'too long' || kind === 'over 400 KB') expect(outcome).not.toBe('taken');
  });

  it('leaves every list, dashboard and pass unchanged', expectAllWell);
});

describe('cases', () => {
  it.skipIf(lacksCases)(
    'case 01: refuses a value of 40,000 letters from a webhook, and stops nothing',
    async () => {
      const sh = readFileSync(caseFile(1, 'big.sh'), 'utf8');
      const [, letter = '', count = '0'] = /"(\w)"\*(\d+)/.exec(sh) ?? [];
      const survey = [{ name: 'msg', title: 'Message', type: 'string' }];
      const templateId = await make(`${base}/templates`, { ...script, survey });
      const variables = [{ variable: 'msg', source: { from: 'body', pointer: '/message' } }];
      const input = { name: 'big', templateId, variables };
      const { id, url = '' } = integration.parse(await api.call('POST', `${base}/integrations`, input));
      const before = await table.dump();
      const answer = await api.request('POST', new URL(url).pathname, {
        token: null,
        body: { message: letter.repeat(Number(count)) },
      });
      expect(await outcomeOf(id, answer)).toBe(
        'refused The template does not take it: survey.msg must have at most 32,768 characters.',
      );
      const tasksOf = (items: readonly object[]) =>
        items.filter((item) => 'sk' in item && /^tsk_/.test(String(item.sk)));
      expect(tasksOf(await table.dump())).toEqual(tasksOf(before));
      await expectAllWell();
    },
  );

  it.skipIf(lacksCases)('case 07: refuses a secret with a NUL by its name', async () => {
    expect(readFileSync(caseFile(7, 'README'), 'utf8')).toContain('NUL refused by the API');
    const body = { name: 'e', secrets: { PW: 'hunter2secretvalue\u0000tail' } };
    expect(await api.refused('POST', `${base}/environments`, { body })).toMatchObject({
      status: 422,
      errors: [{ path: 'secrets.PW', message: 'must not have the control character U+0000' }],
    });
  });

  it.skipIf(lacksCases)('case 12: stores extra variables of any JSON as they are', async () => {
    const body = JSON.parse(readFileSync(caseFile(12, 'body.json'), 'utf8'));
    const { extraVars } = body.ansible;
    const all = { ...extraVars, nothing: null, empty: [{}, [], ''], deep: [[[[[{ x: [0.5] }]]]]] };
    const id = await make(`${base}/templates`, { ...body, ansible: { extraVars: all } });
    expect(await api.call('GET', `${base}/templates/${id}`)).toMatchObject({ ansible: { extraVars: all } });
    await expectAllWell();
  });

  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  it.each([
    ['a number', '{"x": [1e200]}', 'x.0', 'must be 9,007,199,254,740,991 or less'],
    ['a text', `{"x": {"y": "${'m'.repeat(40_000)}"}}`, 'x.y', 'must have at most 32,768 characters'],
    [
      'a name',
      `{"x": {"${'n'.repeat(300)}": 1}}`,
      `x.${'n'.repeat(300)}`,
      'must have a name of at most 200 characters',
    ],
    ['a list', `{"x": ${nested(21)}}`, `x${'.0'.repeat(20)}`, 'must not be nested deeper than 20 levels'],
    [
      '100,000 lists',
      `{"x": ${nested(100_000)}}`,
      `x${'.0'.repeat(20)}`,
      'must not be nested deeper than 20 levels',
    ],
  ])(
    'refuses %s that cannot be stored within extra variables, by its name',
    async (_, extraVars, at, message) => {
      const body = JSON.stringify(named({ ...script, app: 'ansible', ansible: { extraVars: 0 } }));
      const rawBody = body.replace('"extraVars":0', `"extraVars":${extraVars}`);
      expect(await api.refused('POST', `${base}/templates`, { rawBody })).toMatchObject({
        status: 422,
        errors: [{ path: `ansible.extraVars.${at}`, message }],
      });
    },
  );

  it.skipIf(lacksCases)('case 19: names the maximum when a sum exceeds a DynamoDB item', async () => {
    const text = readFileSync(caseFile(19, 'README'), 'utf8');
    const [, count = '0', letters = '0'] = /with (\d+) secrets of ([\d,]+) letters/.exec(text) ?? [];
    const value = 'm'.repeat(Number(letters.replace(',', '')));
    const secrets = Object.fromEntries(
      Array.from({ length: Number(count) }, (_, index) => [`S${index}`, value]),
    );
    expect(await api.refused('POST', `${base}/environments`, { body: { name: 'e', secrets } })).toMatchObject(
      {
        status: 422,
        code: 'item_too_large',
        detail: expect.stringContaining('393,216 fit'),
        errors: [{ path: 'secrets', message: 'is too long' }],
      },
    );
  });
});

describe('an unreadable item', () => {
  const now = toInstant(Date.now());
  const live = (kind: string, liveKey: string) => ({ live: kind, liveKey });
  const prefixes = 'tpl inv rep key env int sch run tsk msg ses ivt reg';
  const item = (prefix: string) => {
    const id = api.deps.newId(z.any().parse(prefix), now);
    const index: Record<string, object> = {
      tsk: live('task', `${projectId}-nowhere/w/${id}`),
      run: live('runner', `${projectId}/${id}`),
      msg: live('delivery', id),
      sch: live('schedule', id),
    };
    return {
      pk: projectId,
      sk: id,
      id,
      name: 7,
      createdAt: 'long ago',
      usesLeft: 1,
      validUntil: '9',
      ...index[prefix],
    };
  };

  it('is skipped and named, whatever its kind, and stops no list or pass', async () => {
    const bad = prefixes.split(' ').map(item);
    const elsewhere = [
      { pk: 'projects', sk: api.deps.newId('prj'), name: 7 },
      { pk: 'users', sk: api.deps.newId('usr'), email: 7 },
      { pk: 'tokens', sk: api.deps.newId('tok'), role: 7 },
      { pk: 'audit#stack', sk: api.deps.newId('aud'), at: 7 },
      { pk: `audit#${projectId}`, sk: api.deps.newId('aud'), at: 7 },
      { pk: 'prices', sk: 'eu-west-1#t4g.small', price: 7 },
    ];
    for (const one of [...bad, ...elsewhere]) await table.table.put(one);
    skipped.length = 0;
    await expectAllWell();
    const listed = [...bad, ...elsewhere].filter(({ sk }) => !/^ses_|^msg_/.test(sk)).map(({ sk }) => sk);
    expect(listed.filter((sk) => !skipped.includes(sk))).toEqual([]);
  });

  it('gets its own problem when it is requested, and can be removed', async () => {
    const { sk, ...rest } = item('tpl');
    await table.table.put({ sk, ...rest });
    expect(await api.refused('GET', `${base}/templates/${sk}`)).toMatchObject({
      status: 409,
      code: 'unreadable_item',
      detail: expect.stringContaining(sk),
    });
    expect((await api.request('DELETE', `${base}/templates/${sk}`)).status).toBe(204);
  });

  it('does not keep an agent from the next task', async () => {
    const templateId = await make(`${base}/templates`, {
      name: 'Next',
      app: 'bash',
      script: 'true',
      tag: 'beside',
    });
    const runner = await api.createRunner(`${base}/runners`, { name: 'Beside', tags: ['beside'] });
    const session = await api.startAgent(runner);
    const first = await api.startTask(projectId, templateId);
    const second = await api.startTask(projectId, templateId);
    await table.table.update({ pk: projectId, sk: first.id }, { set: { status: 7 } }, []);
    const rung = { projectId, taskId: first.id, queue: `${projectId}-beside` };
    const claimed = await api.call('POST', '/api/agent/claim', rung, session);
    expect(claimed).toMatchObject({ taskId: second.id });
    await table.table.update({ pk: projectId, sk: second.id }, { set: { message: 7 } }, []);
    const tasks = [{ projectId, taskId: second.id, attempt: 1 }];
    const beat = await api.call('POST', '/api/agent/heartbeat', { agentVersion: '1.0.0', tasks }, session);
    expect(beat).toMatchObject({ lost: [second.id] });
  });
});

describe('a webhook of Semaphore', () => {
  it('is refused when an id in it is too long', () => {
    const ids = { project_id: 1, task_id: 'm'.repeat(40_000), template_id: 1, runner_id: 1 };
    const body = JSON.stringify({ action: 'start', attempt: 1, ...ids });
    expect(parseWebhookBody(receivedWebhookBody, body)).toMatchObject({ ok: false });
  });
});

describe('the report of an agent', () => {
  it('ends the task without parts that do not fit beside a long survey, and cleans its texts', async () => {
    const input = { name: 'Long', app: 'bash', script: 'true', tag: 'long', survey };
    const templateId = await make(`${base}/templates`, input);
    const runner = await api.createRunner(`${base}/runners`, { name: 'Long', tags: ['long'] });
    const session = await api.startAgent(runner);
    const answers = Object.fromEntries(names.slice(0, 12).map((name) => [name, 'm'.repeat(30_000)]));
    const started = task.parse(await api.call('POST', `${base}/tasks`, { templateId, survey: answers }));
    const { lease } = await api.claim(session, projectId, started.id);
    const count = { ok: 1, changed: 0, unreachable: 0, failed: 0, skipped: 0, rescued: 0, ignored: 0 };
    const hosts = Array.from({ length: 1000 }, (_, index) => ({ host: `${index}.example.com`, ...count }));
    const report = { lease, status: 'error', exitCode: 1, reason: 'a\u0000b', logChunks: 0, hosts };
    await api.call('POST', '/api/agent/finish', report, session);
    const ended = task.parse(await api.call('GET', `${base}/tasks/${started.id}`));
    expect([ended.status, ended.reason, ended.hosts]).toEqual(['error', 'a\uFFFDb', undefined]);
  });
});
