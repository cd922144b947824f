import { createServer } from 'node:http';
/** Wrong webhooks, sent to the real receivers: each gets its status and code, and changes no item. */
import { KMSClient } from '@aws-sdk/client-kms';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { listenOnLoopback, stopServer } from '../../../local/http-server.ts';
import { startTestKms, type TestKms } from '../../../local/testing/kms.ts';
import type { ProblemCode } from '../../../protocol/index.ts';
import { problem, toInstant } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { newId } from '../../adapters/ids.ts';
import { dataKeys } from '../../adapters/secrets/data-keys.ts';
import { kmsKeyService } from '../../adapters/secrets/kms-keys.ts';
import { sealedTable } from '../../adapters/secrets/secret-attributes.ts';
import { makeVault } from '../../adapters/secrets/secret-encryption.ts';
import { openApiFixture } from '../testing/fixture.ts';
import { openTwoProjects, type TwoProjects } from '../testing/two-projects.ts';

let table: TestTable;
let kms: TestKms;
let fixture: TwoProjects;
beforeAll(async () => {
  table = await openTestTable();
  kms = await startTestKms();
  const service = kmsKeyService(kms.keyArn, new KMSClient(kms));
  const now = () => toInstant(Date.now());
  const sealed = sealedTable(table.table, makeVault(dataKeys(table.table, { service, now, newId })));
  fixture = await openTwoProjects(await openApiFixture({ ...table, table: sealed }));
});
afterAll(async () => {
  await kms?.stop();
  await table?.close();
});

type Handler = (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2>;

describe.each(['start', 'finish'] as const)('a wrong webhook (task-%s)', (action) => {
  let handler: Handler;
  // Lambda answers as soon as it has an event.
  const lambda = createServer((request, response) => {
    request.resume();
    response.writeHead(202).end();
  });
  beforeAll(async () => {
    vi.spyOn(process.stdout, 'write').mockReturnValue(true); // The log of refusals.
    vi.stubEnv('TABLE_NAME', table.tableName);
    vi.stubEnv('API_URL', 'https://api.test');
    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', table.endpoint);
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', kms.endpoint);
    vi.stubEnv('AWS_ENDPOINT_URL_LAMBDA', `http://127.0.0.1:${await listenOnLoopback(lambda, 0)}`);
    vi.stubEnv('SECRETS_KEY_ARN', kms.keyArn);
    vi.stubEnv('AWS_REGION', kms.region);
    vi.stubEnv('RUNNER_POWER_ARN', 'arn:aws:lambda:us-east-1:000000000000:function:RunnerPower');
    vi.stubEnv('AWS_ACCESS_KEY_ID', kms.credentials.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', kms.credentials.secretAccessKey);
    vi.stubEnv('AWS_SESSION_TOKEN', kms.credentials.sessionToken);
    const load = {
      start: () => import('../../task-start/index.ts'),
      finish: () => import('../../task-finish/index.ts'),
    };
    ({ handler } = await load[action]());
  });
  afterAll(async () => {
    await stopServer(lambda);
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  interface Sent {
    readonly fields?: object;
    readonly rawBody?: string;
    readonly signedBody?: string;
    readonly secret?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly ageMs?: number;
    readonly id?: string;
  }

  /** A webhook as its sender would make it, except for the wrong parts in `sent`. */
  const anEvent = (w: TwoProjects, sent: Sent): APIGatewayProxyEventV2 => {
    const fields = {
      action,
      project_id: w.mine.id,
      task_id: w.mine.waiting.id,
      template_id: w.mine.templateId,
      runner_id: w.mine.asleep.runner.id,
      attempt: 1,
      ...sent.fields,
    };
    const body = sent.rawBody ?? JSON.stringify(fields);
    const id = sent.id ?? `msg_${newId('msg').slice(4)}`;
    const at = new Date(Date.now() - (sent.ageMs ?? 0));
    const secret = sent.secret ?? w.mine.asleep.webhookSecret;
    return {
      version: '2.0',
      routeKey: `POST /webhooks/task-${action}`,
      rawPath: `/webhooks/task-${action}`,
      rawQueryString: '',
      headers: sent.headers ?? {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': new Webhook(secret).sign(id, at, sent.signedBody ?? body),
      },
      requestContext: {
        accountId: '000000000000',
        apiId: 'api',
        domainName: '127.0.0.1',
        domainPrefix: 'api',
        http: { method: 'POST', path: '/', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'test' },
        requestId: 'test',
        routeKey: '',
        stage: '$default',
        time: '',
        timeEpoch: 0,
      },
      body,
      isBase64Encoded: false,
    };
  };

  const tenMinutes = 600_000;
  it.each<readonly [string, number, ProblemCode, (w: TwoProjects) => Sent]>([
    ['malformed JSON', 400, 'malformed_json', () => ({ rawBody: '{' })],
    ['an empty body', 400, 'malformed_json', () => ({ rawBody: '' })],
    ['a body over 64 KB', 413, 'body_too_large', () => ({ fields: { more: 'x'.repeat(65_536) } })],
    ['a field that is missing', 422, 'invalid_request', () => ({ fields: { runner_id: undefined } })],
    ['a field of another type', 422, 'invalid_request', () => ({ fields: { attempt: 'first' } })],
    [
      'an event of the other kind',
      422,
      'invalid_request',
      () => ({ fields: { action: action === 'start' ? 'finish' : 'start' } }),
    ],
    ['no signature', 401, 'bad_signature', () => ({ headers: { 'content-type': 'application/json' } })],
    [
      'a signature by nobody',
      401,
      'bad_signature',
      () => ({ secret: `whsec_${Buffer.alloc(32).toString('base64')}` }),
    ],
    [
      "a signature by another project's runner",
      401,
      'bad_signature',
      (w) => ({ secret: w.theirs.asleep.webhookSecret }),
    ],
    ['a body that was changed after it was signed', 401, 'bad_signature', () => ({ signedBody: '{}' })],
    ['an unknown runner', 401, 'bad_signature', () => ({ fields: { runner_id: newId('run') } })],
    ['a number for a runner', 401, 'bad_signature', () => ({ fields: { runner_id: 7 } })],
    ['a runner in another project', 401, 'bad_signature', (w) => ({ fields: { project_id: w.theirs.id } })],
    ['a time stamp of ten minutes ago', 401, 'stale_timestamp', () => ({ ageMs: tenMinutes })],
    ['a time stamp in ten minutes', 401, 'stale_timestamp', () => ({ ageMs: -tenMinutes })],
  ])('is refused without a change: %s: %i %s', async (_name, status, code, make) => {
    const before = await table.dump();
    const answer = await handler(anEvent(fixture, make(fixture)));
    expect(answer.statusCode, answer.body).toBe(status);
    expect(problem.parse(JSON.parse(answer.body ?? ''))).toMatchObject({ status, code });
    expect(await table.dump()).toEqual(before);
  });

  it('is refused without a change: a replay: 409 webhook_replayed', async () => {
    const event = anEvent(fixture, { id: `msg_replayed_${action}` });
    expect((await handler(event)).statusCode).toBe(204);
    const before = await table.dump();
    const answer = await handler(event);
    expect(answer.statusCode, answer.body).toBe(409);
    expect(problem.parse(JSON.parse(answer.body ?? ''))).toMatchObject({ code: 'webhook_replayed' });
    expect(await table.dump()).toEqual(before);
  });
});
