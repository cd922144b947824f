/** Signatures of incoming integrations: right and wrong ones, the use of keys, and repeated signed events. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { auditEvent, epochMs } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { type ApiFixture, openApiFixture } from '../testing/fixture.ts';
import { anIntegration, hmacOf, hookSecret, pushToMain, signedByGitHub } from '../testing/integrations.ts';

let table: TestTable | undefined;
let api: ApiFixture;
beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table);
});
afterAll(() => table?.close());

const text = JSON.stringify(pushToMain);
const trailSchema = z.object({ items: z.array(auditEvent) });

describe('a signed event', () => {
  it('records the use of the key, right or wrong, once in 15 minutes', async () => {
    const { base, made, keyId, send } = await anIntegration(api, (id) => ({
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
    await send(text, { 'x-hub-signature-256': `sha256=${hmacOf(text)}` });
    expect(await uses()).toMatchObject([use, use]);
  });

  const rows: [string, (keyId: string) => object, Record<string, string>, Record<string, string>][] = [
    [
      'GitHub',
      (keyId) => ({ type: 'github', keyId }),
      { 'x-hub-signature-256': `sha256=${hmacOf(text)}` },
      { 'x-hub-signature-256': `sha256=${hmacOf(`${text} `)}` },
    ],
    [
      'GitLab',
      (keyId) => ({ type: 'gitlab', keyId }),
      { 'x-gitlab-token': hookSecret },
      { 'x-gitlab-token': 'guess' },
    ],
    [
      'HMAC in hex',
      (keyId) => ({ type: 'hmac', keyId, header: 'X-Signature' }),
      { 'x-signature': hmacOf(text) },
      { 'x-signature': '' },
    ],
    [
      'HMAC in base64',
      (keyId) => ({ type: 'hmac', keyId, header: 'x-signature' }),
      { 'x-signature': hmacOf(text, 'base64') },
      {},
    ],
  ];
  it.each(rows)('is accepted only when correct: %s', async (_name, auth, right, wrong) => {
    const { send, eventOf, tasks, events } = await anIntegration(api, (keyId) => ({ auth: auth(keyId) }));
    const refused = await send(text, wrong);
    expect(refused.status).toBe(401);
    expect(await tasks()).toEqual([]);
    expect((await events())[0]).toMatchObject({ outcome: 'bad_signature' });
    expect((await eventOf(text, right)).outcome).toBe('started');
  });

  describe('that is repeated', () => {
    const github = (keyId: string) => ({ auth: { type: 'github', keyId } });

    it('starts nothing under another delivery id, which is unsigned', async () => {
      const { eventOf, tasks } = await anIntegration(api, github);
      const first = await eventOf(text, signedByGitHub(text, { 'x-github-delivery': 'a' }));
      const others: Record<string, string>[] = [
        { 'x-github-delivery': 'b' },
        { 'x-github-delivery': 'a' },
        {},
      ];
      for (const again of others) {
        expect(await eventOf(text, signedByGitHub(text, again))).toMatchObject({
          outcome: 'duplicate',
          taskId: first.taskId,
          detail: expect.stringContaining('The same signed body was taken before'),
        });
      }
      expect(await tasks()).toHaveLength(1);
      const other = `${text} `;
      expect((await eventOf(other, signedByGitHub(other))).outcome).toBe('started');
    });

    it('starts nothing with a changed header that a matcher reads', async () => {
      const pushes = [
        { source: { from: 'header', header: 'x-github-event' }, operator: 'equals', value: 'push' },
      ];
      const { eventOf, tasks } = await anIntegration(api, (keyId) => ({
        ...github(keyId),
        matchers: pushes,
      }));
      const ping = await eventOf(text, signedByGitHub(text, { 'x-github-event': 'ping' }));
      expect(ping.outcome).toBe('not_matched');
      expect(await eventOf(text, signedByGitHub(text, { 'x-github-event': 'push' }))).toMatchObject({
        outcome: 'duplicate',
        detail: expect.stringContaining('with other headers'),
      });
      expect(await tasks()).toEqual([]);
    });

    it('may start a task once the cause of its refusal is fixed', async () => {
      const { base, made, templateId, keyId, eventOf } = await anIntegration(api, (id) => ({
        ...github(id),
        active: false,
      }));
      expect((await eventOf(text, signedByGitHub(text))).outcome).toBe('inactive');
      const input = { name: 'pushes', templateId, ...github(keyId), variables: made.variables };
      await api.call('PUT', `${base}/integrations/${made.id}`, input);
      expect((await eventOf(text, signedByGitHub(text))).outcome).toBe('started');
      expect((await eventOf(text, signedByGitHub(text))).outcome).toBe('duplicate');
    });
  });

  it('is refused when the key is empty, as 0.1.0 could store it', async () => {
    const {
      id: projectId,
      keyId,
      send,
    } = await anIntegration(api, (id) => ({ auth: { type: 'gitlab', keyId: id } }));
    await api.deps.resources.keys.replace(projectId, keyId, { name: 'Hook', secret: { type: 'none' } });
    expect((await send(text, { 'x-gitlab-token': '' })).status).toBe(401);
  });
});
