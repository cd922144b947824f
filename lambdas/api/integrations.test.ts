/** Incoming integrations: proof, match, survey answers, tasks; the same again; too much; wrong URLs. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  auditEvent,
  epochMs,
  eventAnswer,
  integration,
  integrationEvent,
  project,
  task,
} from '../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../test/dynamodb.ts';
import { unique } from '../../test/unique.ts';
import { type ApiBench, openApiBench } from './testing/bench.ts';

let table: TestTable;
let api: ApiBench;
beforeAll(async () => {
  table = await openTestTable();
  api = await openApiBench(table);
});
afterAll(() => table?.close());

const secret = 'It is a secret to everybody';
const body = { ref: 'refs/heads/main', repository: { full_name: 'octo/site' }, number: 7 };
const trailSchema = z.object({ items: z.array(auditEvent) });
const hmac = (text: string, encoding: 'hex' | 'base64' = 'hex') =>
  createHmac('sha256', secret).update(text).digest(encoding);

/** An integration for pushes to main, with a template that asks for two things, and a key. */
const anIntegration = async (fields: (keyId: string) => object = () => ({})) => {
  const { id } = project.parse(await api.call('POST', '/api/projects', { name: unique('Web') }));
  const base = `/api/projects/${id}`;
  const make = async (path: string, input: object) =>
    z.object({ id: z.string() }).parse(await api.call('POST', `${base}/${path}`, input)).id;
  const templateId = await make('templates', {
    name: 'Deploy',
    app: 'bash',
    script: 'true',
    tag: 'sydney',
    survey: [
      { name: 'site', title: 'Site', type: 'string', required: true },
      { name: 'number', title: 'Number', type: 'int' },
    ],
  });
  const keyId = await make('keys', { name: 'Hook', secret: { type: 'string', value: secret } });
  const made = integration.parse(
    await api.call('POST', `${base}/integrations`, {
      name: 'pushes',
      templateId,
      matchers: [{ source: { from: 'body', pointer: '/ref' }, operator: 'equals', value: 'refs/heads/main' }],
      variables: [
        { variable: 'site', source: { from: 'body', pointer: '/repository/full_name' } },
        { variable: 'number', source: { from: 'body', pointer: '/number' } },
      ],
      ...fields(keyId),
    }),
  );
  const path = new URL(made.url ?? '').pathname;
  const send = (text: string, headers: Record<string, string> = {}) =>
    api.request('POST', path, { token: null, rawBody: text, headers });
  const answerOf = async (text: string, headers?: Record<string, string>) =>
    eventAnswer.parse(await (await send(text, headers)).json());
  const events = async () =>
    z
      .object({ items: z.array(integrationEvent) })
      .parse(await api.call('GET', `${base}/integrations/${made.id}/events`)).items;
  const tasks = async () =>
    z.object({ items: z.array(task) }).parse(await api.call('GET', `${base}/tasks`)).items;
  return { id, base, templateId, keyId, made, path, send, answerOf, events, tasks };
};

describe('an event from elsewhere', () => {
  it('starts the template with what it holds as survey answers, and is recorded', async () => {
    const { answerOf, events, tasks } = await anIntegration();
    const answer = await answerOf(JSON.stringify(body));
    expect(answer.outcome).toBe('started');
    expect(await tasks()).toMatchObject([
      { id: answer.taskId, survey: { site: 'octo/site', number: 7 }, createdBy: 'integration pushes' },
    ]);
    expect(await events()).toMatchObject([
      { outcome: 'started', taskId: answer.taskId, source: '192.0.2.1' },
    ]);
  });

  it("is in the project's trail with the task that it started, once for each", async () => {
    const { base, made, answerOf } = await anIntegration();
    const headers = { 'webhook-id': 'msg_trail' };
    const { taskId } = await answerOf(JSON.stringify(body), headers);
    await answerOf(JSON.stringify(body), headers);
    await answerOf(JSON.stringify({ ...body, ref: 'refs/heads/next' }));
    const trail = trailSchema.parse(await api.call('GET', `${base}/audit`)).items;
    expect(trail.filter(({ operation }) => operation === 'startTask')).toMatchObject([
      {
        actor: { id: made.id, name: 'pushes' },
        target: `${base}/tasks/${taskId}`,
        source: '192.0.2.1',
      },
    ]);
  });

  it('starts nothing when it does not match, and tells why', async () => {
    const { answerOf, events, tasks } = await anIntegration();
    const answer = await answerOf(JSON.stringify({ ...body, ref: 'refs/heads/next' }));
    expect(answer).toEqual({
      outcome: 'not_matched',
      detail: '/ref should equal "refs/heads/main", and is "refs/heads/next".',
    });
    expect(await tasks()).toEqual([]);
    expect(await events()).toMatchObject([{ outcome: 'not_matched' }]);
  });

  it('starts nothing twice when its delivery comes again', async () => {
    const { answerOf, tasks, events } = await anIntegration();
    const headers = { 'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958' };
    const first = await answerOf(JSON.stringify(body), headers);
    const again = await Promise.all([1, 2].map(() => answerOf(JSON.stringify(body), headers)));
    for (const one of again) expect(one).toMatchObject({ outcome: 'duplicate', taskId: first.taskId });
    expect(await tasks()).toHaveLength(1);
    expect(await events()).toHaveLength(3);
  });

  it.each(['x-github-delivery', 'x-gitlab-event-uuid', 'x-request-uuid', 'webhook-id', 'idempotency-key'])(
    'is known again by %s',
    async (header) => {
      const { answerOf } = await anIntegration();
      const [first, again] = [
        await answerOf(JSON.stringify(body), { [header]: '1' }),
        await answerOf('{}', { [header]: '1' }),
      ];
      expect([first.outcome, again.outcome]).toEqual(['started', 'duplicate']);
    },
  );

  it('of GitLab is known by its own key, and not by the event that caused it', async () => {
    const { answerOf, tasks } = await anIntegration();
    for (const key of ['1', '2']) {
      const headers = { 'x-gitlab-event-uuid': 'cause', 'idempotency-key': key };
      expect((await answerOf(JSON.stringify(body), headers)).outcome).toBe('started');
    }
    expect(await tasks()).toHaveLength(2);
  });

  it('makes one task also of two deliveries of one id at once', async () => {
    const { answerOf, tasks } = await anIntegration();
    const headers = { 'webhook-id': 'msg_1' };
    const answers = await Promise.all([1, 2, 3].map(() => answerOf(JSON.stringify(body), headers)));
    expect(new Set(answers.map(({ taskId }) => taskId)).size).toBe(1);
    expect(await tasks()).toHaveLength(1);
  });

  it('is refused when the survey does not take it, and may come again when that is mended', async () => {
    const { send, answerOf, events } = await anIntegration();
    const headers = { 'webhook-id': 'msg_2' };
    const refused = await send(JSON.stringify({ ref: body.ref }), headers);
    expect(refused.status).toBe(422);
    expect((await events())[0]).toMatchObject({
      outcome: 'refused',
      detail: 'The template does not take it: survey.site is required.',
    });
    expect((await answerOf(JSON.stringify(body), headers)).outcome).toBe('started');
  });

  it('starts nothing while the integration is inactive, or when it is no JSON', async () => {
    const { answerOf } = await anIntegration(() => ({ active: false }));
    expect((await answerOf(JSON.stringify(body))).outcome).toBe('inactive');
    const { send } = await anIntegration();
    expect((await send('ref=main')).status).toBe(400);
  });
});

describe('a signed event', () => {
  it('has the use of the key in the trail, once a quarter of an hour, whether it was right or wrong', async () => {
    const { base, made, keyId, send } = await anIntegration((id) => ({
      auth: { type: 'github', keyId: id },
    }));
    const uses = async () =>
      trailSchema
        .parse(await api.call('GET', `${base}/audit`))
        .items.filter(({ operation }) => operation === 'useSecrets');
    api.pass(900_000 - (epochMs(api.deps.now()) % 900_000));
    for (let n = 0; n < 3; n++) {
      expect((await send('{}', { 'x-hub-signature-256': 'sha256=00' })).status).toBe(401);
    }
    const use = {
      actor: { id: made.id, name: 'pushes' },
      target: `${base}/integrations/${made.id}`,
      secrets: [keyId],
    };
    expect(await uses()).toMatchObject([use]);
    api.pass(900_000);
    await send(JSON.stringify(body), { 'x-hub-signature-256': `sha256=${hmac(JSON.stringify(body))}` });
    expect(await uses()).toMatchObject([use, use]);
  });

  const text = JSON.stringify(body);
  const rows: [string, (keyId: string) => object, Record<string, string>, Record<string, string>][] = [
    [
      'GitHub',
      (keyId) => ({ type: 'github', keyId }),
      { 'x-hub-signature-256': `sha256=${hmac(text)}` },
      { 'x-hub-signature-256': `sha256=${hmac(`${text} `)}` },
    ],
    [
      'GitLab',
      (keyId) => ({ type: 'gitlab', keyId }),
      { 'x-gitlab-token': secret },
      { 'x-gitlab-token': 'guess' },
    ],
    [
      'HMAC in hex',
      (keyId) => ({ type: 'hmac', keyId, header: 'X-Signature' }),
      { 'x-signature': hmac(text) },
      { 'x-signature': '' },
    ],
    [
      'HMAC in base64',
      (keyId) => ({ type: 'hmac', keyId, header: 'x-signature' }),
      { 'x-signature': hmac(text, 'base64') },
      {},
    ],
  ];
  it.each(rows)('of %s is taken when it is right, and no other', async (_name, auth, right, wrong) => {
    const { send, answerOf, tasks, events } = await anIntegration((keyId) => ({ auth: auth(keyId) }));
    const refused = await send(text, wrong);
    expect(refused.status).toBe(401);
    expect(await tasks()).toEqual([]);
    expect((await events())[0]).toMatchObject({ outcome: 'bad_signature' });
    expect((await answerOf(text, right)).outcome).toBe('started');
  });

  describe('that comes again', () => {
    const github = (keyId: string) => ({ auth: { type: 'github', keyId } });
    const signed = (content: string, headers: Record<string, string> = {}) => ({
      'x-hub-signature-256': `sha256=${hmac(content)}`,
      ...headers,
    });

    it('starts nothing again under another id of a delivery, which nobody signs', async () => {
      const { answerOf, tasks } = await anIntegration(github);
      const first = await answerOf(text, signed(text, { 'x-github-delivery': 'a' }));
      for (const again of [{ 'x-github-delivery': 'b' }, { 'x-github-delivery': 'a' }, {}]) {
        expect(await answerOf(text, signed(text, again))).toMatchObject({
          outcome: 'duplicate',
          taskId: first.taskId,
          detail: expect.stringContaining('The same signed body was taken before'),
        });
      }
      expect(await tasks()).toHaveLength(1);
      const other = `${text} `;
      expect((await answerOf(other, signed(other))).outcome).toBe('started');
    });

    it('starts nothing with another header than it had first, when a matcher reads that', async () => {
      const pushes = [
        { source: { from: 'header', header: 'x-github-event' }, operator: 'equals', value: 'push' },
      ];
      const { answerOf, tasks } = await anIntegration((keyId) => ({ ...github(keyId), matchers: pushes }));
      const ping = await answerOf(text, signed(text, { 'x-github-event': 'ping' }));
      expect(ping.outcome).toBe('not_matched');
      expect(await answerOf(text, signed(text, { 'x-github-event': 'push' }))).toMatchObject({
        outcome: 'duplicate',
        detail: expect.stringContaining('with other headers'),
      });
      expect(await tasks()).toEqual([]);
    });

    it('may start a task when what kept it from that was mended', async () => {
      const { base, made, templateId, keyId, answerOf } = await anIntegration((id) => ({
        ...github(id),
        active: false,
      }));
      expect((await answerOf(text, signed(text))).outcome).toBe('inactive');
      const input = { name: 'pushes', templateId, ...github(keyId), variables: made.variables };
      await api.call('PUT', `${base}/integrations/${made.id}`, input);
      expect((await answerOf(text, signed(text))).outcome).toBe('started');
      expect((await answerOf(text, signed(text))).outcome).toBe('duplicate');
    });
  });

  it('is refused when the key has no text', async () => {
    const { base, keyId, send } = await anIntegration((id) => ({ auth: { type: 'gitlab', keyId: id } }));
    await api.call('PUT', `${base}/keys/${keyId}`, { name: 'Hook', secret: { type: 'none' } });
    expect((await send(text, { 'x-gitlab-token': '' })).status).toBe(401);
  });
});

describe('the secret URL', () => {
  it('is shown only when it is made, and another takes its place', async () => {
    const { base, made, path, send, answerOf } = await anIntegration();
    expect((await answerOf(JSON.stringify(body))).outcome).toBe('started');
    const item = `${base}/integrations/${made.id}`;
    expect(integration.parse(await api.call('GET', item)).url).toBeUndefined();
    const rotated = integration.parse(await api.call('POST', `${item}/rotate-url`));
    expect(new URL(rotated.url ?? '').pathname).not.toBe(path);
    expect((await send(JSON.stringify(body))).status).toBe(404);
    expect(JSON.stringify(await table.dump())).not.toContain(path.split('/').at(-1));
  });

  it('stays when the integration is changed', async () => {
    const { base, templateId, made, send } = await anIntegration();
    await api.call('PUT', `${base}/integrations/${made.id}`, { name: 'all', templateId });
    expect(await (await send('{}')).text()).toContain('survey.site is required');
  });

  it('cannot be guessed at for long, and takes no flood', async () => {
    const { path, send } = await anIntegration();
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

describe('what an integration uses', () => {
  it('cannot be removed before it', async () => {
    const { base, templateId, keyId } = await anIntegration((id) => ({
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
