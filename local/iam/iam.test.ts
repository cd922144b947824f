import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BatchGetItemCommand,
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import {
  CreateFleetCommand,
  DescribeInstancesCommand,
  EC2Client,
  StartInstancesCommand,
  StopInstancesCommand,
} from '@aws-sdk/client-ec2';
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AwsAnswer } from '../aws/call.ts';
import { makeSts } from '../aws/sts.ts';
import { makeFaults } from '../gateway/faults.ts';
import { type Gateway, startGateway } from '../gateway/gateway.ts';
import { type Credentials, makePrincipals } from '../gateway/principals.ts';
import { countRequests } from '../gateway/requests.ts';
import { aFunction, aPrincipal, aRole } from '../testing/fixture.ts';
import { type Iam, makeIam } from './index.ts';
import { grantsOf, readUses } from './records.ts';

const region = 'us-east-1';
const accountId = '000000000000';
const place = { accountId, region, stackName: 'Stack', apiUrl: 'http://localhost:1' };
const tableArn = `arn:aws:dynamodb:${region}:${accountId}:table/Table`;
const queueArn = `arn:aws:sqs:${region}:${accountId}:prj_*`;
const allow = (Action: string | string[], Resource: string | string[], Condition = {}) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource, Condition }],
});

const api = aRole({
  logicalId: 'ApiRole',
  policies: [
    allow(['dynamodb:GetItem', 'dynamodb:Query'], tableArn),
    allow('sqs:SendMessage', queueArn),
    allow('ec2:StartInstances', `arn:aws:ec2:*:${accountId}:instance/*`, {
      StringEquals: { 'aws:ResourceTag/reveille:stack': 'Stack' },
    }),
    allow('sts:AssumeRole', `arn:aws:iam::${accountId}:role/Runner`),
  ],
});
const trustIn = (arn: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: arn } }],
});
const runner = aRole({
  logicalId: 'RunnerRole',
  name: 'Runner',
  arn: `arn:aws:iam::${accountId}:role/Runner`,
  trust: trustIn(api.arn),
  policies: [allow('sqs:ReceiveMessage', queueArn)],
});
const stranger = aRole({ logicalId: 'StrangerRole', name: 'S', arn: `arn:aws:iam::${accountId}:role/S` });

const tags: Record<string, Record<string, string>> = {};
const records = mkdtempSync(join(tmpdir(), 'reveille-iam-'));
const denied: string[] = [];
const principals = makePrincipals(Date.now);
let iam: Iam;
let gateway: Gateway;

/** Answers every allowed call. */
const anything = async (): Promise<AwsAnswer> => ({
  status: 200,
  headers: { 'content-type': 'application/x-amz-json-1.0' },
  body: '{}',
});
const anyXml = async (): Promise<AwsAnswer> => ({
  status: 200,
  headers: { 'content-type': 'text/xml' },
  body: '<R/>',
});

beforeAll(async () => {
  iam = makeIam({
    spec: { roles: [api, runner, stranger], place },
    tagsOf: (id) => tags[id],
    recordsDir: records,
    onDenied: (message) => denied.push(message),
  });
  gateway = await startGateway({
    faults: makeFaults(Math.random),
    principals,
    counter: countRequests(),
    authorize: iam.authorize,
    nowMs: Date.now,
    services: {
      dynamodb: anything,
      sqs: anything,
      ec2: anyXml,
      sts: makeSts([api, runner], principals, accountId, Date.now),
    },
    onFailure: () => {},
  });
});
afterEach(() => {
  denied.length = 0;
});
afterAll(async () => {
  await gateway?.stop();
  rmSync(records, { recursive: true });
});

const config = (credentials: Credentials = principals.issue(aPrincipal({ role: api }))) => ({
  region,
  endpoint: gateway.url,
  credentials,
  maxAttempts: 1,
});
const get = new GetItemCommand({ TableName: 'Table', Key: { pk: { S: 'x' } } });
const queueUrl = (name: string) => `https://sqs.${region}.amazonaws.com/${accountId}/${name}`;
const sqs = (credentials?: Credentials) =>
  new SQSClient({ ...config(credentials), useQueueUrlAsEndpoint: false, md5: false });
const receive = (name: string) => new ReceiveMessageCommand({ QueueUrl: queueUrl(name) });
const start = (id: string) => new StartInstancesCommand({ InstanceIds: [id] });

describe('a call', () => {
  it('passes when the role has the permission on that resource', async () => {
    await expect(new DynamoDBClient(config()).send(get)).resolves.toBeDefined();
    expect(denied).toEqual([]);
  });

  it('is denied in the words of DynamoDB, with role, action and resource, and is reported', async () => {
    const batch = new BatchGetItemCommand({ RequestItems: { Table: { Keys: [{ pk: { S: 'x' } }] } } });
    await expect(new DynamoDBClient(config()).send(batch)).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringMatching(
        /Stack-Role\/api .*dynamodb:BatchGetItem on resource: .*table\/Table .*ApiRole/,
      ),
    });
    expect(denied).toHaveLength(1);
  });

  it('needs a permission on the index to query the index', async () => {
    const query = (over: object) =>
      new DynamoDBClient(config()).send(new QueryCommand({ TableName: 'Table', ...over }));
    await expect(query({})).resolves.toBeDefined();
    await expect(query({ IndexName: 'live' })).rejects.toThrow(`${tableArn}/index/live`);
  });

  it('is denied in the words of SQS', async () => {
    const send = (name: string) =>
      sqs().send(new SendMessageCommand({ QueueUrl: queueUrl(name), MessageBody: 'ding' }));
    await expect(send('prj_1')).resolves.toBeDefined();
    await expect(send('other')).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining('sqs:SendMessage'),
    });
  });

  it('is denied in the words of EC2', async () => {
    const ec2 = new EC2Client(config());
    tags['i-0123456789abcdef0'] = { 'reveille:stack': 'Stack' };
    const stop = new StopInstancesCommand({ InstanceIds: ['i-0123456789abcdef0'] });
    await expect(ec2.send(stop)).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
    await expect(ec2.send(new DescribeInstancesCommand())).rejects.toThrow('ec2:DescribeInstances');
  });

  it('depends on the current tags of its instance', async () => {
    const ec2 = new EC2Client(config());
    tags['i-0123456789abcdef1'] = {};
    await expect(ec2.send(start('i-0123456789abcdef1'))).rejects.toThrow('instance/i-0123456789abcdef1');
    tags['i-0123456789abcdef1'] = { 'reveille:stack': 'Stack' };
    await expect(ec2.send(start('i-0123456789abcdef1'))).resolves.toBeDefined();
    tags['i-0123456789abcdef1'] = { 'reveille:stack': 'Other' };
    await expect(ec2.send(start('i-0123456789abcdef1'))).rejects.toThrow('not authorized');
  });

  it('is denied by a condition on a tag when the instance is gone, which has no tags', async () => {
    const ec2 = new EC2Client(config());
    await expect(ec2.send(start('i-0123456789abcdef9'))).rejects.toMatchObject({
      name: 'UnauthorizedOperation',
    });
    // EC2 rejects a malformed id before it asks IAM; the service behind this test accepts anything.
    await expect(ec2.send(start('nonsense'))).resolves.toBeDefined();
  });

  it('is denied when one of several instances is not allowed', async () => {
    tags['i-0123456789abcdef2'] = { 'reveille:stack': 'Stack' };
    tags['i-0123456789abcdef3'] = {};
    const both = new StartInstancesCommand({ InstanceIds: ['i-0123456789abcdef2', 'i-0123456789abcdef3'] });
    await expect(new EC2Client(config()).send(both)).rejects.toThrow('instance/i-0123456789abcdef3');
  });

  it('is rejected when it launches from a missing template', async () => {
    const launch = new CreateFleetCommand({
      Type: 'instant',
      ClientToken: 'one',
      TargetCapacitySpecification: { TotalTargetCapacity: 1, DefaultTargetCapacityType: 'on-demand' },
      LaunchTemplateConfigs: [
        { LaunchTemplateSpecification: { LaunchTemplateName: 'Other', Version: '$Latest' }, Overrides: [] },
      ],
    });
    await expect(new EC2Client(config()).send(launch)).rejects.toMatchObject({
      name: 'InvalidLaunchTemplateName.NotFoundException',
    });
  });

  it('needs no permission for GetCallerIdentity', async () => {
    const credentials = principals.issue(aPrincipal({ role: stranger }));
    await expect(
      new STSClient(config(credentials)).send(new GetCallerIdentityCommand()),
    ).resolves.toBeDefined();
  });

  it('is rejected by name when the table of needs lacks it', async () => {
    await expect(new DynamoDBClient(config()).send(new ListTablesCommand())).rejects.toThrow(
      'dynamodb:ListTables',
    );
  });
});

describe('a session', () => {
  const assume = new AssumeRoleCommand({
    RoleArn: runner.arn,
    RoleSessionName: 'run_1',
    Policy: JSON.stringify(
      allow(['sqs:ReceiveMessage', 'dynamodb:GetItem'], [queueArn.replace('*', '1'), tableArn]),
    ),
  });
  const assumeAs = async (role: typeof api): Promise<Credentials> => {
    const sts = new STSClient(
      config(
        principals.issue(aPrincipal({ role, arn: `arn:aws:sts::${accountId}:assumed-role/${role.name}/x` })),
      ),
    );
    const { Credentials: given } = await sts.send(assume);
    return {
      accessKeyId: given?.AccessKeyId ?? '',
      secretAccessKey: given?.SecretAccessKey ?? '',
      sessionToken: given?.SessionToken ?? '',
    };
  };

  it('is allowed what both its role and its own policy allow', async () => {
    await expect(sqs(await assumeAs(api)).send(receive('prj_1'))).resolves.toBeDefined();
  });

  it('is denied what only its role allows', async () => {
    await expect(sqs(await assumeAs(api)).send(receive('prj_2'))).rejects.toThrow('no session policy allows');
  });

  it('is denied what only its own policy allows', async () => {
    await expect(new DynamoDBClient(config(await assumeAs(api))).send(get)).rejects.toThrow(
      'no identity-based policy allows',
    );
  });

  it('is rejected for a role that the caller may not assume', async () => {
    await expect(assumeAs(stranger)).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});

describe('Lambda on behalf of a function', () => {
  const principal = aPrincipal({ role: runner });

  it('rejects a queue that the role may not consume', () => {
    expect(() => iam.checkEventSource(principal, queueArn.replace('*', '1'))).toThrow('sqs:DeleteMessage');
  });

  it('reports missing permissions for logs and traces', async () => {
    const fn = aFunction(records, '', { logGroup: 'Log', traced: true });
    iam.noteInvocation(principal, fn);
    await expect.poll(() => denied.join('\n')).toContain('logs:CreateLogStream');
  });
});

describe('the record', () => {
  it('lists each used grant once, as the policy writes it', async () => {
    await new DynamoDBClient(config()).send(get);
    await new DynamoDBClient(config()).send(get);
    const uses = readUses(records).filter(({ action }) => action === 'dynamodb:GetItem');
    expect(uses).toEqual([{ role: 'ApiRole', action: 'dynamodb:GetItem', resource: tableArn }]);
  });

  it('lists the grants of a role by action and resource', () => {
    const role = aRole({
      policies: [
        allow(['a:X', 'a:Y'], ['1', '2']),
        { Statement: { Effect: 'Deny', Action: 'a:Z', Resource: '1' } },
      ],
    });
    expect(grantsOf(role).map(({ action, resource }) => `${action} ${resource}`)).toEqual([
      'a:X 1',
      'a:X 2',
      'a:Y 1',
      'a:Y 2',
    ]);
  });
});
