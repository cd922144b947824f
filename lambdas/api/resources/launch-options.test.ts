/** Values that a start may change, values that reach the runner, and the people who may confirm. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { integration, schedule, scheduledStart, task, taskPayload } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { keys } from '../../adapters/table.ts';
import { runSchedule } from '../../flows/schedules/run-schedule.ts';
import { type ApiFixture, type Call, openApiFixture } from '../testing/fixture.ts';
import { peopleOf, withCookie } from '../testing/people.ts';

let table: TestTable;
let api: ApiFixture;
let people: ReturnType<typeof peopleOf>;
beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table);
  people = peopleOf(api);
});
afterAll(() => table?.close());

const aProject = async () => {
  const { id } = await people.aProject();
  const base = `/api/projects/${id}`;
  const make = (path: string, body: object) => api.make(`${base}/${path}`, body);
  const tokenFor = async (role: 'task_runner' | 'manager' | 'owner') =>
    (await api.deps.apiTokens.create({ name: role, grant: { projectId: id, role } })).token;
  const refusedStart = (token: string, body: object) => api.refused('POST', `${base}/tasks`, { token, body });
  return { id, base, make, tokenFor, refusedStart };
};

const terraform = { name: 'Net', app: 'terraform', script: '#' };
const ansible = { name: 'Patch', app: 'ansible', script: '- hosts: all' };

/** Returns the task as its runner would get it. */
const payloadOf = async (base: string, projectId: string, started: unknown) => {
  const made = await api.createRunner(`${base}/runners`, { name: crypto.randomUUID(), tags: ['here'] });
  const session = await api.startAgent(made);
  const claimed = await api.claim(session, projectId, task.parse(started).id);
  return taskPayload.parse(JSON.parse(await api.open(claimed.payload, made.privateKey ?? '')));
};

describe('a task runner', () => {
  it('cannot turn a plan-only template into an apply or a destroy', async () => {
    const { make, tokenFor, refusedStart } = await aProject();
    const token = await tokenFor('task_runner');
    const templateId = await make('templates', { ...terraform, terraform: { action: 'plan' } });
    for (const action of ['apply', 'destroy']) {
      expect(await refusedStart(token, { templateId, terraform: { action } })).toMatchObject({
        status: 422,
        errors: [
          {
            path: 'terraform.action',
            message: expect.stringMatching(/does not allow it.*"terraformAction" under Launch options/),
          },
        ],
      });
    }
    const body = { templateId, terraform: { autoApprove: true } };
    expect(await refusedStart(token, body)).toMatchObject({ status: 422 });
  });

  it('cannot change a limit from staging to production', async () => {
    const { make, tokenFor, refusedStart } = await aProject();
    const templateId = await make('templates', { ...ansible, ansible: { limit: 'staging' } });
    const body = { templateId, ansible: { limit: 'production' } };
    expect(await refusedStart(await tokenFor('task_runner'), body)).toMatchObject({
      errors: [{ path: 'ansible.limit' }],
    });
  });

  it('cannot switch on --diff, which prints vaulted values', async () => {
    const { make, tokenFor, refusedStart } = await aProject();
    const templateId = await make('templates', ansible);
    const token = await tokenFor('task_runner');
    const others = ['limit', 'tags', 'skipTags', 'check', 'verbosity'];
    const open = await make('templates', { ...ansible, name: 'All but diff', launch: others });
    for (const id of [templateId, open]) {
      expect(await refusedStart(token, { templateId: id, ansible: { diff: true } })).toMatchObject({
        errors: [{ path: 'ansible.diff' }],
      });
    }
  });

  it('may give the value of the template', async () => {
    const { base, make, tokenFor } = await aProject();
    const templateId = await make('templates', { ...ansible, ansible: { limit: 'staging' } });
    const body = { templateId, ansible: { limit: 'staging', diff: false }, priority: 0 };
    const started = task.parse(await api.call('POST', `${base}/tasks`, body, await tokenFor('task_runner')));
    expect(started).toMatchObject({ ansible: { limit: 'staging' } });
    expect(started.changed).toBeUndefined();
  });
});

describe('a value that is given at a start', () => {
  it('reaches the runner, and the tag of its inventory routes the task', async () => {
    const { id, base, make } = await aProject();
    const hosts = { type: 'static', content: 'web1', tag: 'elsewhere' };
    const inventoryId = await make('inventories', { name: 'A', ...hosts });
    const here = await make('inventories', { name: 'B', ...hosts, content: 'web2', tag: 'here' });
    const environmentId = await make('environments', { name: 'E', variables: { STAGE: 'test' } });
    const repositoryId = await make('repositories', { name: 'R', url: 'https://example.org/a.git' });
    const launch = ['inventory', 'environment', 'branch', 'commit', 'arguments', 'timeout', 'verbosity'];
    const site = { name: 'Site', app: 'ansible', path: 'site.yml', repositoryId, inventoryId };
    const templateId = await make('templates', { ...site, branch: 'stable', launch });
    const given = {
      inventoryId: here,
      environmentId,
      repository: { branch: 'feature/x' },
      arguments: ['--flush-cache'],
      timeoutMs: 120_000,
      ansible: { verbosity: 2 },
    };
    const started = await api.call('POST', `${base}/tasks`, { templateId, ...given });
    expect(started).toMatchObject({
      ...given,
      tag: 'here',
      changed: ['verbosity', 'arguments', 'branch', 'inventory', 'environment', 'timeout'],
    });
    expect(await payloadOf(base, id, started)).toMatchObject({
      arguments: ['--flush-cache'],
      timeoutMs: 120_000,
      variables: { STAGE: 'test' },
      inventory: { content: 'web2' },
      // Not the short name, which could also be a tag or, as pull/1/head, a stranger's commit.
      repository: { branch: 'refs/heads/feature/x' },
      ansible: { verbosity: 2 },
    });
    const pinned = { templateId, inventoryId: here, repository: { commit: '0123abc' } };
    const ofCommit = await api.call('POST', `${base}/tasks`, pinned);
    expect(await payloadOf(base, id, ofCommit)).toMatchObject({ repository: { branch: '0123abc' } });
    const asIs = await api.call('POST', `${base}/tasks`, { templateId, inventoryId: here });
    expect(await payloadOf(base, id, asIs)).toMatchObject({
      repository: { branch: 'stable' },
      arguments: [],
    });
  });

  it.each(['refs/../x', '-x', 'a..b', 'a:b', 'x.lock', '@{1}@{', '+x*'])(
    'is refused as a branch: %s',
    async (branch) => {
      const { make, refusedStart } = await aProject();
      const repositoryId = await make('repositories', { name: 'R', url: 'https://example.org/a.git' });
      const site = { name: 'Site', app: 'ansible', path: 'site.yml', repositoryId, launch: ['branch'] };
      const body = { templateId: await make('templates', site), repository: { branch } };
      expect(await refusedStart(api.adminToken, body)).toMatchObject({
        errors: [{ path: 'repository.branch' }],
      });
    },
  );

  it('protects inventory and environment from removal when a trigger gives them', async () => {
    const { base, make } = await aProject();
    const inventoryId = await make('inventories', { name: 'A', type: 'static', content: 'a' });
    const environmentId = await make('environments', { name: 'E' });
    const templateId = await make('templates', ansible);
    await make('schedules', { name: 'nightly', templateId, cron: '0 3 * * *', inventoryId });
    await make('integrations', { name: 'push', templateId, environmentId });
    expect((await api.refused('DELETE', `${base}/inventories/${inventoryId}`)).detail).toContain('"nightly"');
    expect((await api.refused('DELETE', `${base}/environments/${environmentId}`)).detail).toContain('"push"');
  });
});

describe('the launch options of a template', () => {
  it.each([
    [{ ...ansible, launch: ['terraformAction'] }, 'launch.0'],
    [{ ...ansible, launch: ['limit', 'limit'] }, 'launch.1'],
    [{ ...ansible, launch: ['branch'] }, 'launch.0'],
    [{ ...ansible, branch: 'main' }, 'repositoryId'],
    [{ ...terraform, confirmedBy: 'another_person', terraform: { autoApprove: true } }, 'confirmedBy'],
  ])('are refused when they make no sense: %j', async (body, path) => {
    const { base } = await aProject();
    expect(await api.refused('POST', `${base}/templates`, { body })).toMatchObject({ errors: [{ path }] });
  });
});

describe('a schedule and an integration beyond launch options', () => {
  it('keep running and show it, when 0.1.0 stored them or their template was narrowed since', async () => {
    const { id, base, make } = await aProject();
    const body = { ...ansible, tag: 'here', ansible: { limit: 'staging' }, launch: ['limit'] };
    const templateId = await make('templates', body);
    const nightly = { name: 'nightly', templateId, cron: '0 3 * * *', ansible: { limit: 'production' } };
    const made = schedule.parse(await api.call('POST', `${base}/schedules`, nightly));
    const push = { name: 'push', templateId, ansible: { limit: 'production' } };
    const hook = integration.parse(await api.call('POST', `${base}/integrations`, push));
    for (const one of [made, hook]) expect(one).not.toHaveProperty('beyondLaunchOptions');
    await api.call('PUT', `${base}/templates/${templateId}`, { ...body, launch: [] });
    // As 0.1.0 stored it: without its last editor.
    await table.table.update(keys.resource(id, made.id), { set: { editedBy: undefined } }, []);
    for (const path of [`schedules/${made.id}`, `integrations/${hook.id}`]) {
      expect(await api.call('GET', `${base}/${path}`)).toMatchObject({ beyondLaunchOptions: ['limit'] });
    }
    const { cron, timeZone } = made;
    const scheduledAt = '2026-12-01T03:00:00.000Z';
    await runSchedule(
      api.deps,
      scheduledStart.parse({ projectId: id, scheduleId: made.id, scheduledAt, cron, timeZone }),
    );
    const path = (hook.url ?? '').replace(api.deps.apiUrl, '');
    expect((await api.request('POST', path, { token: null, body: {} })).status).toBeLessThan(300);
    const { items } = z.object({ items: z.array(task) }).parse(await api.call('GET', `${base}/tasks`));
    expect(items.map(({ ansible: given, changed }) => ({ given, changed }))).toEqual(
      items.map(() => ({ given: { limit: 'production' }, changed: ['limit'] })),
    );
    expect(items.length).toBeGreaterThan(0);
  });
});

/** A task that waits for a confirmation, of a template that requires another person for that. */
const aPlan = async (start: (made: { base: string; templateId: string; id: string }) => Promise<unknown>) => {
  const project = await aProject();
  const { id, base, make } = project;
  const body = { ...terraform, tag: 'here', confirmedBy: 'another_person' };
  const templateId = await make('templates', body);
  const started = task.parse(await start({ base, templateId, id }));
  const made = await api.createRunner(`${base}/runners`, { name: 'R', tags: ['here'] });
  const session = await api.startAgent(made);
  const { lease, payload } = await api.claim(session, id, started.id);
  expect(
    taskPayload.parse(JSON.parse(await api.open(payload, made.privateKey ?? ''))).terraform,
  ).toMatchObject({
    autoApprove: false,
  });
  await api.call('POST', '/api/agent/await-confirmation', { lease }, session);
  const tell = (word: string, call: Call) => api.request('POST', `${base}/tasks/${started.id}/${word}`, call);
  return { ...project, templateId, started, tell };
};

describe('a template that wants another person to confirm', () => {
  it('rejects a confirmation by a person behind the start, by sign-in or token, or as admin', async () => {
    const { id: projectId } = await people.aProject();
    const ann = await people.aMember(projectId, 'owner');
    const bob = await people.aMember(projectId, 'task_runner');
    const base = `/api/projects/${projectId}`;
    const its = z.looseObject({ id: z.string(), token: z.string() });
    const mint = async (call: Call) =>
      its.parse(await (await api.request('POST', `${base}/api-tokens`, call)).json()).token;
    const tokenBody = { name: 'ci', role: 'owner' };
    const token = await mint(withCookie(ann.cookie, { body: tokenBody }));
    const itsToken = await mint({ token, body: tokenBody });
    const body = { ...terraform, tag: 'here', confirmedBy: 'another_person' };
    const templateId = await api.make(`${base}/templates`, body);
    const started = await api.call('POST', `${base}/tasks`, { templateId }, itsToken);
    const { id } = task.parse(started);
    const made = await api.createRunner(`${base}/runners`, { name: 'R', tags: ['here'] });
    const session = await api.startAgent(made);
    // The author changes it to apply without asking meanwhile: the task still asks.
    const loosened = { ...body, confirmedBy: 'anyone', terraform: { autoApprove: true } };
    await api.call('PUT', `${base}/templates/${templateId}`, loosened);
    const { lease, payload } = await api.claim(session, projectId, id);
    expect(taskPayload.parse(JSON.parse(await api.open(payload, made.privateKey ?? '')))).toMatchObject({
      terraform: { autoApprove: false },
    });
    await api.call('POST', '/api/agent/await-confirmation', { lease }, session);
    const confirm = async (call: Call) => api.request('POST', `${base}/tasks/${id}/confirm`, call);
    for (const call of [withCookie(ann.cookie), { token }, { token: itsToken }]) {
      const refused = await confirm(call);
      expect(refused.status).toBe(403);
      expect(await refused.json()).toMatchObject({
        code: 'another_person_needed',
        detail: expect.stringContaining('another person'),
      });
    }
    expect((await confirm(withCookie(bob.cookie))).status).toBe(200);
  });

  it('applies to an admin who started it, but lets them reject it', async () => {
    const { tell } = await aPlan(({ base, templateId }) => api.call('POST', `${base}/tasks`, { templateId }));
    expect((await tell('confirm', {})).status).toBe(403);
    expect((await tell('reject', {})).status).toBe(200);
  });

  it('lets all but the last editors of template and schedule confirm a scheduled task', async () => {
    let editor: Call = {};
    const { id, tell } = await aPlan(async ({ base, templateId, id: projectId }) => {
      const ann = await people.aMember(projectId, 'manager');
      editor = withCookie(ann.cookie);
      const body = { name: 'nightly', templateId, cron: '0 3 * * *' };
      const response = await api.request('POST', `${base}/schedules`, withCookie(ann.cookie, { body }));
      const { id: scheduleId, cron, timeZone, editedBy } = schedule.parse(await response.json());
      expect(editedBy).toBe(ann.id);
      const due = { projectId, scheduleId, scheduledAt: '2026-12-01T03:00:00.000Z', cron, timeZone };
      await runSchedule(api.deps, scheduledStart.parse(due));
      const { items } = z.object({ items: z.array(task) }).parse(await api.call('GET', `${base}/tasks`));
      return items[0];
    });
    expect((await tell('confirm', editor)).status).toBe(403);
    // The first token created the template.
    expect((await tell('confirm', {})).status).toBe(403);
    const bob = await people.aMember(id, 'task_runner');
    expect((await tell('confirm', withCookie(bob.cookie))).status).toBe(200);
  });
});

/** A task that waits, a person who may edit all its parts, and its runner. */
const aWaitingPlan = async (by: 'a person' | 'an integration') => {
  const { id, base, make } = await aProject();
  const inventory = { name: 'Hosts', type: 'static', content: 'localhost' };
  const repository = { name: 'Code', url: 'https://git.test/code.git', branch: 'main' };
  const environment = { name: 'Live', variables: {} };
  const inventoryId = await make('inventories', inventory);
  const repositoryId = await make('repositories', repository);
  const environmentId = await make('environments', environment);
  const { script: _script, ...plan } = terraform;
  const uses = { tag: 'here', path: 'net', inventoryId, repositoryId, environmentId };
  const template = { ...plan, ...uses, confirmedBy: 'another_person' };
  const templateId = await make('templates', template);
  const editor = await people.aMember(id, 'manager');
  const starter = await people.aMember(id, 'manager');
  const save = async (path: string, body: object) => {
    const sent = withCookie(editor.cookie, { body });
    expect((await api.request('PUT', `${base}/${path}`, sent)).status).toBe(200);
  };
  const edits = {
    template: () => save(`templates/${templateId}`, template),
    'template, to an app that asks nobody': () =>
      save(`templates/${templateId}`, { name: 'Net', app: 'bash', script: 'id', tag: 'here' }),
    inventory: () => save(`inventories/${inventoryId}`, inventory),
    repository: () => save(`repositories/${repositoryId}`, repository),
    environment: () => save(`environments/${environmentId}`, environment),
  };
  const fire = async () => {
    const { url = '' } = integration.parse(
      await api.call('POST', `${base}/integrations`, { name: 'pushes', templateId }),
    );
    await api.request('POST', new URL(url).pathname, { token: null, body: {} });
    const { items } = z.object({ items: z.array(task) }).parse(await api.call('GET', `${base}/tasks`));
    return task.parse(items[0]);
  };
  const start = async () =>
    by === 'an integration'
      ? fire()
      : task.parse(
          await (
            await api.request('POST', `${base}/tasks`, withCookie(starter.cookie, { body: { templateId } }))
          ).json(),
        );
  const made = await api.createRunner(`${base}/runners`, { name: 'R', tags: ['here'] });
  const session = await api.startAgent(made);
  const confirmedBy = async (personCookie: string, taskId: string) =>
    (await api.request('POST', `${base}/tasks/${taskId}/confirm`, withCookie(personCookie))).status;
  const run = async (taskId: string) => {
    const { lease } = await api.claim(session, id, taskId);
    await api.call('POST', '/api/agent/await-confirmation', { lease }, session);
  };
  return { id, base, editor, starter, edits, start, run, session, confirmedBy };
};

describe('the last editor of a part of a task', () => {
  it.each(['template', 'inventory', 'repository', 'environment'] as const)(
    'must not confirm it after a change of its %s since the start',
    async (what) => {
      const { id, edits, editor, start, run, confirmedBy } = await aWaitingPlan('a person');
      const { id: taskId } = await start();
      api.pass(1000);
      await edits[what]();
      await run(taskId);
      expect(await confirmedBy(editor.cookie, taskId)).toBe(403);
      expect(await confirmedBy((await people.aMember(id, 'manager')).cookie, taskId)).toBe(200);
    },
  );

  it('may confirm a task that another person started after the change', async () => {
    const { edits, editor, starter, start, run, confirmedBy } = await aWaitingPlan('a person');
    await edits.template();
    await edits.environment();
    api.pass(1000);
    const { id: taskId } = await start();
    await run(taskId);
    expect(await confirmedBy(starter.cookie, taskId)).toBe(403);
    expect(await confirmedBy(editor.cookie, taskId)).toBe(200);
  });

  it.each(['template', 'inventory', 'repository', 'environment'] as const)(
    'must not confirm a task of an integration, whenever its %s was saved',
    async (what) => {
      const { edits, editor, starter, start, run, confirmedBy } = await aWaitingPlan('an integration');
      await edits[what]();
      api.pass(1000);
      const { id: taskId } = await start();
      await run(taskId);
      expect(await confirmedBy(editor.cookie, taskId)).toBe(403);
      expect(await confirmedBy(starter.cookie, taskId)).toBe(200);
    },
  );

  it('cannot switch it to an app that asks for no confirmation', async () => {
    const { id, base, edits, start, session } = await aWaitingPlan('a person');
    const { id: taskId } = await start();
    await edits['template, to an app that asks nobody']();
    const body = { projectId: id, taskId };
    expect(await api.refused('POST', '/api/agent/claim', { token: session, body })).toMatchObject({
      code: 'not_claimable',
    });
    expect(await api.call('GET', `${base}/tasks/${taskId}`)).toMatchObject({
      status: 'error',
      reason: expect.stringContaining('Another person has to confirm it'),
    });
  });
});
