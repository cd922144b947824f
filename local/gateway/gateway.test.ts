import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startDynamoDb } from '../aws/dynamodb.ts';
import { startSqs } from '../aws/sqs.ts';
import { makeSts } from '../aws/sts.ts';
import { aPrincipal, aRole, until } from '../testing/fixture.ts';
import { makeFaults } from './faults.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { type Credentials, makePrincipals } from './principals.ts';
import { countRequests, type RequestSpan } from './requests.ts';

const region = 'us-east-1';
const clock = { nowMs: Date.now() };
const principals = makePrincipals(() => clock.nowMs);
const spans: RequestSpan[] = [];
const counter = countRequests((span) => spans.push(span));
const role = aRole();
const failures: string[] = [];
const undo: (() => Promise<void>)[] = [];
let gateway: Gateway;
let credentials: Credentials;

beforeAll(async () => {
  const table = {
    name: 'Table',
    keySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    attributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    globalSecondaryIndexes: [],
  };
  const queue = { name: 'Queue', url: '', arn: '', attributes: {} };
  const dynamoDb = await startDynamoDb([table]);
  const sqs = await startSqs(region, [queue]);
  gateway = await startGateway({
    faults: makeFaults(Math.random),
    principals,
    counter,
    authorize: () => {},
    nowMs: () => clock.nowMs,
    services: {
      dynamodb: dynamoDb.service,
      sqs: sqs.service,
      sts: makeSts([role], principals, '000000000000', () => clock.nowMs),
    },
    onFailure: (message) => failures.push(message),
  });
  undo.push(gateway.stop, sqs.stop, dynamoDb.stop);
});
afterAll(async () => {
  for (const step of undo) await step();
});
beforeEach(() => {
  clock.nowMs = Date.now();
  credentials = principals.issue(aPrincipal());
  counter.reset();
});

const config = (given: Credentials) => ({
  region,
  endpoint: gateway.url,
  credentials: given,
  maxAttempts: 1,
});
const readItem = (given: Credentials) =>
  new DynamoDBClient(config(given)).send(new GetItemCommand({ TableName: 'Table', Key: { pk: { S: 'x' } } }));

describe('the gateway', () => {
  it('passes on a call signed with an issued key, and counts it', async () => {
    await expect(readItem(credentials)).resolves.toMatchObject({ $metadata: { httpStatusCode: 200 } });
    expect(counter.list()).toEqual([
      { principal: 'api', service: 'dynamodb', operation: 'GetItem', count: 1 },
    ]);
  });

  it('reports a call of a function with the trace of its invocation', async () => {
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'api');
    vi.stubEnv('_X_AMZN_TRACE_ID', 'Root=1');
    await readItem(credentials);
    vi.unstubAllEnvs();
    expect(spans.at(-1)).toMatchObject({ operation: 'GetItem', traceId: 'Root=1' });
  });

  it.each([
    ['another secret key', { secretAccessKey: 'wrong' }, 'InvalidSignatureException'],
    ['an unknown key', { accessKeyId: 'ASIAUNKNOWN' }, 'UnrecognizedClientException'],
    ['another session token', { sessionToken: 'other' }, 'UnrecognizedClientException'],
  ])('rejects %s as DynamoDB does', async (_what, over, name) => {
    await expect(readItem({ ...credentials, ...over })).rejects.toMatchObject({ name });
    expect(counter.list()).toEqual([]);
  });

  it('rejects a signature that is too old', async () => {
    clock.nowMs += 6 * 60_000;
    await expect(readItem(credentials)).rejects.toMatchObject({ name: 'InvalidSignatureException' });
  });

  it('rejects an expired key', async () => {
    const short = principals.issue(aPrincipal(), clock.nowMs + 1000);
    clock.nowMs += 2000;
    await expect(readItem(short)).rejects.toMatchObject({ name: 'ExpiredTokenException' });
  });

  it('rejects a body that differs from the signed one', async () => {
    const client = new DynamoDBClient(config(credentials));
    client.middlewareStack.add(
      (next) => (args) => {
        const { request } = args;
        if (typeof request === 'object' && request !== null && 'body' in request) {
          request.body = '{"TableName":"Table","Key":{"pk":{"S":"y"}}}';
        }
        return next(args);
      },
      { step: 'finalizeRequest', priority: 'low' },
    );
    const get = new GetItemCommand({ TableName: 'Table', Key: { pk: { S: 'x' } } });
    await expect(client.send(get)).rejects.toMatchObject({ name: 'InvalidSignatureException' });
  });

  it('rejects an unsigned request', async () => {
    const answer = await fetch(gateway.url, { method: 'POST', body: '{}' });
    expect(answer.status).toBe(403);
  });

  it('rejects a service that it does not have, and names the service and the caller', async () => {
    const signed = await new SignatureV4({ credentials, region, service: 'kms', sha256: Sha256 }).sign({
      method: 'POST',
      protocol: 'http:',
      hostname: '127.0.0.1',
      path: '/',
      headers: { host: new URL(gateway.url).host, 'x-amz-target': 'TrentService.Encrypt' },
      body: '{}',
    });
    const refused = await fetch(gateway.url, { method: 'POST', headers: signed.headers, body: '{}' });
    expect(refused.status).toBe(501);
    expect(await refused.text()).toContain('no stand-in for kms (TrentService.Encrypt), which api called');
    expect(failures.at(-1)).toContain('kms');
  });

  it('issues temporary keys of a role under the name of the session', async () => {
    const sts = new STSClient(config(credentials));
    const { Credentials: given } = await sts.send(
      new AssumeRoleCommand({ RoleArn: role.arn, RoleSessionName: 'run_1', Policy: '{"Statement":[]}' }),
    );
    const temporary = {
      accessKeyId: given?.AccessKeyId ?? '',
      secretAccessKey: given?.SecretAccessKey ?? '',
      sessionToken: given?.SessionToken ?? '',
    };
    expect(given?.Expiration?.getTime()).toBeGreaterThan(Date.now() + 3_500_000);
    expect(principals.find(temporary.accessKeyId)?.principal).toMatchObject({
      name: 'run_1',
      role: { arn: role.arn },
      sessionPolicy: [],
    });
    const identity = await new STSClient(config(temporary)).send(new GetCallerIdentityCommand());
    expect(identity.Arn).toBe('arn:aws:sts::000000000000:assumed-role/Stack-Role/run_1');
  });

  it('rejects a role that the template does not have', async () => {
    const assume = new AssumeRoleCommand({ RoleArn: 'arn:aws:iam::0:role/other', RoleSessionName: 'run_1' });
    await expect(new STSClient(config(credentials)).send(assume)).rejects.toMatchObject({
      name: 'AccessDenied',
    });
  });

  it('accepts a session policy of 2,048 characters and rejects a longer one, as STS does', async () => {
    const sts = new STSClient(config(credentials));
    const assume = (length: number) =>
      sts.send(
        new AssumeRoleCommand({
          RoleArn: role.arn,
          RoleSessionName: 'run_1',
          Policy: '{"Statement":[]}'.padEnd(length),
        }),
      );
    expect((await assume(2048)).Credentials).toBeDefined();
    await expect(assume(2049)).rejects.toMatchObject({ name: 'ValidationError' });
  });

  it.each(['{', '{"Statement":[{"Effect":"Allow","NotAction":"sqs:*","Resource":"*"}]}'])(
    'rejects a session policy that it cannot apply: %s',
    async (Policy) => {
      const assume = new AssumeRoleCommand({ RoleArn: role.arn, RoleSessionName: 'run_1', Policy });
      await expect(new STSClient(config(credentials)).send(assume)).rejects.toMatchObject({
        name: expect.stringMatching(/^MalformedPolicyDocument/),
      });
    },
  );

  it('returns the messages of a disconnected poller to the queue', async () => {
    const sqs = new SQSClient({ ...config(credentials), useQueueUrlAsEndpoint: false });
    const QueueUrl = 'https://sqs.us-east-1.amazonaws.com/000000000000/Queue';
    const abort = new AbortController();
    const gone = sqs
      .send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }), { abortSignal: abort.signal })
      .catch(() => {});
    await until(() => counter.list().find(({ operation }) => operation === 'ReceiveMessage'));
    abort.abort();
    await gone;
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'ding' }));
    const next = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 1 }));
    expect(next.Messages).toMatchObject([{ Body: 'ding' }]);
  });
});
