/** Case 13: webhook bodies of real senders, through the HTTP API's own event, signed over their bytes. */
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { promisify } from 'node:util';
import { handle, type LambdaEvent } from 'hono/aws-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type ApiFixture, openApiFixture } from '../../lambdas/api/testing/fixture.ts';
import { makeHttpApi } from '../../local/gateway/http-api.ts';
import { listenOnLoopback, stopServer } from '../../local/http-server.ts';
import { eventAnswer, integration, integrationEvent, project, task } from '../../protocol/index.ts';
import { caseFile, lacksCases } from '../cases.ts';
import { openTestTable, type TestTable } from '../dynamodb.ts';
import { unique } from '../unique.ts';

const run = promisify(execFile);
const secret = 'It is a secret to everybody';

let table: TestTable | undefined;
let server: Server | undefined;
let api: ApiFixture;
let origin: string;
beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table);
  const invoke = handle(api.app);
  const timeoutMs = 29_000;
  const route = { routeKey: '$default', timeoutMs, invoke: (event: unknown) => invoke(event as LambdaEvent) };
  const routes = [route];
  server = createServer(
    makeHttpApi({ apiId: 'local', routes, now: () => new Date(), onRequest: () => () => {} }),
  );
  origin = `http://127.0.0.1:${await listenOnLoopback(server, 0)}`;
});
afterAll(async () => {
  if (server) await stopServer(server);
  await table?.close();
});

/** An integration with GitHub's signature that passes on the id of the pushed commit. */
const anIntegration = async () => {
  const { id } = project.parse(await api.call('POST', '/api/projects', { name: unique('Web') }));
  const make = async (path: string, input: object) =>
    z.object({ id: z.string() }).parse(await api.call('POST', `/api/projects/${id}/${path}`, input)).id;
  const keyId = await make('keys', { name: 'Hook', secret: { type: 'string', value: secret } });
  const templateId = await make('templates', {
    name: 'Deploy',
    app: 'bash',
    script: 'true',
    tag: 'sydney',
    survey: [{ name: 'id', title: 'Id', type: 'string' }],
  });
  const path = `/api/projects/${id}/integrations`;
  const made = integration.parse(
    await api.call('POST', path, {
      name: 'pushes',
      templateId,
      auth: { type: 'github', keyId },
      matchers: [{ source: { from: 'body', pointer: '/ref' }, operator: 'equals', value: 'refs/heads/main' }],
      variables: [{ variable: 'id', source: { from: 'body', pointer: '/id' } }],
    }),
  );
  const url = origin + new URL(made.url ?? '').pathname;
  const items = async <T extends z.ZodType>(of: string, schema: T): Promise<z.infer<T>[]> =>
    z.object({ items: z.array(schema) }).parse(await api.call('GET', of)).items;
  return {
    url,
    send: (body: Uint8Array<ArrayBuffer>, type?: string) =>
      fetch(url, {
        method: 'POST',
        headers: {
          'x-github-event': 'push',
          'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
          ...(type !== undefined && { 'content-type': type }),
        },
        body,
      }),
    events: () => items(`${path}/${made.id}/events`, integrationEvent),
    tasks: () => items(`/api/projects/${id}/tasks`, task),
  };
};

describe('case 13: an integration', () => {
  it.skipIf(lacksCases)('accepts what send.sh sends: the form that is GitHub’s default', async () => {
    const { url, events, tasks } = await anIntegration();
    const env = { ...process.env, URL: url, SECRET: secret };
    const { stdout } = await run('bash', [caseFile(13, 'send.sh')], { env });
    expect(eventAnswer.parse(JSON.parse(stdout))).toMatchObject({ outcome: 'received' });
    expect(await tasks()).toHaveLength(1);
    expect(await events()).toMatchObject([{ outcome: 'started' }]);
  });

  const main = (id: string) => `{"ref":"refs/heads/main","id":${id}}`;
  const taken: [string, Uint8Array<ArrayBuffer>, string | undefined, string][] = [
    ['a byte order mark', Buffer.from(`\uFEFF${main('1')}`), 'application/json', '1'],
    ['no content type', Buffer.from(main('1')), undefined, '1'],
    ['numbers beyond 2^53', Buffer.from(main('9007199254740993')), 'application/json', '9007199254740993'],
    [
      'Latin-1 in a form',
      Buffer.from(`a=\xEB&payload=${encodeURIComponent(main('"ë"'))}`, 'latin1'),
      'application/x-www-form-urlencoded; charset=iso-8859-1',
      'ë',
    ],
    [
      'Latin-1 that comes as bytes',
      Buffer.from(main('"ë"'), 'latin1'),
      'application/vnd.x+json; charset=iso-8859-1',
      'ë',
    ],
  ];
  it.each(taken)('accepts a signed body with %s', async (_, body, type, id) => {
    const { send, tasks } = await anIntegration();
    const response = await send(body, type);
    expect(response.ok).toBe(true);
    expect(await tasks()).toMatchObject([{ survey: { id } }]);
  });

  it('reports bytes that are not text, after a valid signature', async () => {
    const { send } = await anIntegration();
    const response = await send(Buffer.from(main('"ë"'), 'latin1'), 'application/octet-stream');
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining('no text in utf-8') });
  });

  it('explains an invalid signature when API Gateway has replaced bytes', async () => {
    const { send, tasks } = await anIntegration();
    const response = await send(Buffer.from(main('"ë"'), 'latin1'), 'application/json');
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining('Send it as UTF-8') });
    expect(await tasks()).toEqual([]);
  });
});
