/** Incoming integrations: matchers, survey answers, tasks, repeated deliveries, floods, wrong URLs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { auditEvent, integration } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { type ApiFixture, openApiFixture } from '../testing/fixture.ts';
import { anIntegration, pushToMain } from '../testing/integrations.ts';
import { peopleOf, withCookie } from '../testing/people.ts';

let table: TestTable | undefined;
let api: ApiFixture;
beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table);
});
afterAll(() => table?.close());

const text = JSON.stringify(pushToMain);
const trailSchema = z.object({ items: z.array(auditEvent) });

describe('an event of an integration', () => {
  it('starts the template with its values as survey answers, and is recorded', async () => {
    const { answerTo, events, tasks } = await anIntegration(api);
    const answer = await answerTo(text);
    expect(answer).toEqual({
      id: answer.id,
      outcome: 'received',
      detail: 'The event was accepted and is being processed.',
    });
    const [event] = await events();
    expect(event).toMatchObject({ id: answer.id, outcome: 'started', source: '192.0.2.1' });
    expect(await tasks()).toMatchObject([
      { id: event?.taskId, survey: { site: 'octo/site', number: 7 }, createdBy: 'integration pushes' },
    ]);
  });

  it("is in the project's trail with the task that it started, once for each", async () => {
    const { base, made, eventOf } = await anIntegration(api);
    const headers = { 'webhook-id': 'msg_trail' };
    const { taskId } = await eventOf(text, headers);
    await eventOf(text, headers);
    await eventOf(JSON.stringify({ ...pushToMain, ref: 'refs/heads/next' }));
    const trail = trailSchema.parse(await api.call('GET', `${base}/audit`)).items;
    expect(trail.filter(({ operation }) => operation === 'startTask')).toMatchObject([
      {
        actor: { id: made.id, name: 'pushes' },
        target: `${base}/tasks/${taskId}`,
        source: '192.0.2.1',
      },
    ]);
  });

  it('keeps a value secret whose variable was secret when the integration was saved', async () => {
    const { base, made, templateId, answerTo, tasks } = await anIntegration(api);
    const ask = (type: 'secret' | 'string') =>
      api.call('PUT', `${base}/templates/${templateId}`, {
        name: 'Deploy',
        app: 'bash',
        script: 'true',
        tag: 'sydney',
        survey: [{ name: 'site', title: 'Site', type }],
      });
    const save = async () => {
      const { name, variables } = made;
      const input = { name, templateId, variables: variables.slice(0, 1) };
      return integration.parse(await api.call('PUT', `${base}/integrations/${made.id}`, input));
    };
    await ask('secret');
    expect(await save()).toMatchObject({ secretNames: ['site'] });
    await ask('string');
    await answerTo(text);
    expect(await save()).toMatchObject({ secretNames: ['site'] });
    await answerTo(text);
    const started = await tasks();
    expect(started).toHaveLength(2);
    expect(JSON.stringify(started)).not.toContain('octo/site');
    const stored = (await table?.dump())?.filter(({ sk }) => started.some(({ id }) => id === sk)) ?? [];
    for (const one of stored) expect(one.surveySecrets).toEqual({ site: 'octo/site' });
  });

  it('starts nothing when it does not match, and records why', async () => {
    const { eventOf, events, tasks } = await anIntegration(api);
    const answer = await eventOf(JSON.stringify({ ...pushToMain, ref: 'refs/heads/next' }));
    expect(answer).toMatchObject({
      outcome: 'not_matched',
      detail: '/ref should equal "refs/heads/main", and is "refs/heads/next".',
    });
    expect(await tasks()).toEqual([]);
    expect(await events()).toMatchObject([{ outcome: 'not_matched' }]);
  });

  it('starts its task once when its delivery is repeated', async () => {
    const { eventOf, tasks, events } = await anIntegration(api);
    const headers = { 'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958' };
    const first = await eventOf(text, headers);
    const again = await Promise.all([1, 2].map(() => eventOf(text, headers)));
    for (const one of again) expect(one).toMatchObject({ outcome: 'duplicate', taskId: first.taskId });
    expect(await tasks()).toHaveLength(1);
    expect(await events()).toHaveLength(3);
  });

  it.each(['x-github-delivery', 'x-gitlab-event-uuid', 'x-request-uuid', 'webhook-id', 'idempotency-key'])(
    'is recognised by %s',
    async (header) => {
      const { eventOf } = await anIntegration(api);
      const [first, again] = [await eventOf(text, { [header]: '1' }), await eventOf('{}', { [header]: '1' })];
      expect([first.outcome, again.outcome]).toEqual(['started', 'duplicate']);
    },
  );

  it('is recognised by its own key when from GitLab, not by the event that caused it', async () => {
    const { eventOf, tasks } = await anIntegration(api);
    for (const key of ['1', '2']) {
      const headers = { 'x-gitlab-event-uuid': 'cause', 'idempotency-key': key };
      expect((await eventOf(text, headers)).outcome).toBe('started');
    }
    expect(await tasks()).toHaveLength(2);
  });

  it('makes one task of two concurrent deliveries with one id', async () => {
    const { eventOf, tasks } = await anIntegration(api);
    const headers = { 'webhook-id': 'msg_1' };
    const answers = await Promise.all([1, 2, 3].map(() => eventOf(text, headers)));
    expect(answers.filter(({ outcome }) => outcome === 'started')).toHaveLength(1);
    expect(await tasks()).toHaveLength(1);
  });

  it('is refused when the survey rejects it, and may be resent when that is fixed', async () => {
    const { send, eventOf, events } = await anIntegration(api);
    const headers = { 'webhook-id': 'msg_2' };
    const refused = await send(JSON.stringify({ ref: pushToMain.ref }), headers);
    expect(refused.status).toBe(202);
    expect((await events())[0]).toMatchObject({
      outcome: 'refused',
      detail: 'The template does not take it: survey.site is required.',
    });
    expect((await eventOf(text, headers)).outcome).toBe('started');
  });

  it('starts nothing while the integration is inactive, or when it is not JSON', async () => {
    const { eventOf } = await anIntegration(api, () => ({ active: false }));
    expect((await eventOf(text)).outcome).toBe('inactive');
    const { send } = await anIntegration(api);
    expect((await send('ref=main')).status).toBe(400);
  });
});

describe('the key of an integration', () => {
  it('is refused when its type cannot prove a sender', async () => {
    const { base, made, templateId } = await anIntegration(api);
    const { id: keyId } = z
      .object({ id: z.string() })
      .parse(await api.call('POST', `${base}/keys`, { name: 'None', secret: { type: 'none' } }));
    const body = { name: 'pushes', templateId, auth: { type: 'github', keyId } };
    expect(await api.refused('PUT', `${base}/integrations/${made.id}`, { body })).toMatchObject({
      errors: [{ path: 'auth.keyId', message: expect.stringContaining('type string') }],
    });
  });

  it('keeps its type while the integration uses it', async () => {
    const { base, keyId } = await anIntegration(api, (id) => ({ auth: { type: 'github', keyId: id } }));
    const path = `${base}/keys/${keyId}`;
    const body = { name: 'Hook', secret: { type: 'none' } };
    expect(await api.refused('PUT', path, { body })).toMatchObject({
      status: 422,
      errors: [{ path: 'secret.type', message: expect.stringContaining('used by integration "pushes"') }],
    });
    await api.call('PUT', path, { name: 'Hook', secret: { type: 'string', value: 'another' } });
  });

  it('keeps its type while a template takes a password from it', async () => {
    const { base, keyId } = await anIntegration(api);
    const ansible = { becomeKeyId: keyId };
    await api.call('POST', `${base}/templates`, {
      name: 'Patch',
      app: 'ansible',
      script: '- hosts: all',
      ansible,
    });
    const path = `${base}/keys/${keyId}`;
    expect(
      await api.refused('PUT', path, { body: { name: 'Hook', secret: { type: 'none' } } }),
    ).toMatchObject({
      errors: [{ path: 'secret.type', message: expect.stringContaining('used by template "Patch"') }],
    });
    const secret = { type: 'login_password', login: 'root', password: 'another' };
    await api.call('PUT', path, { name: 'Hook', secret });
  });
});

describe('the secret URL', () => {
  it('is shown only at its creation, and can be rotated', async () => {
    const { base, made, path, send, eventOf } = await anIntegration(api);
    expect((await eventOf(text)).outcome).toBe('started');
    const item = `${base}/integrations/${made.id}`;
    expect(integration.parse(await api.call('GET', item)).url).toBeUndefined();
    const rotated = integration.parse(await api.call('POST', `${item}/rotate-url`));
    expect(new URL(rotated.url ?? '').pathname).not.toBe(path);
    expect((await send(text)).status).toBe(404);
    expect(JSON.stringify(await table?.dump())).not.toContain(path.split('/').at(-1));
  });

  it('makes the person who rotates it the last editor, as that person can start the template', async () => {
    const { id, base, made } = await anIntegration(api);
    const ann = await peopleOf(api).aMember(id, 'manager');
    const path = `${base}/integrations/${made.id}`;
    await api.request('POST', `${path}/rotate-url`, withCookie(ann.cookie));
    expect(integration.parse(await api.call('GET', path)).editedBy).toBe(ann.id);
  });

  it('stays when other fields change', async () => {
    const { base, templateId, made, eventOf } = await anIntegration(api);
    await api.call('PUT', `${base}/integrations/${made.id}`, { name: 'all', templateId });
    expect((await eventOf('{}')).detail).toContain('survey.site is required');
  });

  it('limits guesses and floods', async () => {
    const { path, send } = await anIntegration(api);
    const wrong = `${path.slice(0, -1)}${path.endsWith('A') ? 'B' : 'A'}`;
    const headers = { 'x-test-source': '192.0.2.77' };
    const statuses = [];
    for (let tries = 0; tries <= 60; tries += 1) {
      statuses.push((await api.request('POST', wrong, { token: null, rawBody: '{}', headers })).status);
    }
    expect(new Set(statuses.slice(0, 60))).toEqual(new Set([404]));
    expect(statuses[60]).toBe(429);
    expect((await send('{}')).status).toBe(200);
  });
});

describe('an object that an integration uses', () => {
  it('cannot be removed before it', async () => {
    const { base, templateId, keyId } = await anIntegration(api, (id) => ({
      auth: { type: 'github', keyId: id },
    }));
    for (const path of [`templates/${templateId}`, `keys/${keyId}`]) {
      const refused = await api.refused('DELETE', `${base}/${path}`);
      expect(refused).toMatchObject({
        code: 'in_use',
        detail: expect.stringContaining('integration "pushes"'),
      });
    }
  });
});
