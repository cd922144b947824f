/** A small stack for tests: its template, its functions' code in a temporary folder, and shared helpers. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Principal } from '../gateway/principals.ts';
import type { FunctionSpec, RoleSpec } from '../template/stack-spec.ts';

/** Creates a folder; `remove` deletes it. */
export const temporaryFolder = (): { path: string; remove: () => void } => {
  const path = mkdtempSync(join(tmpdir(), 'reveille-local-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
};

/** Polls until the result is neither undefined nor false. */
export const until = async <T>(ask: () => T | undefined | false, withinMs = 120_000): Promise<T> => {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = ask();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`Nothing came of ${ask} within ${withinMs} ms.`);
    await delay(5);
  }
};

export const aRole = (over: Partial<RoleSpec> = {}): RoleSpec => ({
  logicalId: 'Role',
  name: 'Stack-Role',
  arn: 'arn:aws:iam::000000000000:role/Stack-Role',
  trust: { Statement: [] },
  policies: [],
  ...over,
});

export const aPrincipal = (over: Partial<Principal> = {}): Principal => ({
  name: 'api',
  arn: 'arn:aws:sts::000000000000:assumed-role/Stack-Role/api',
  role: aRole(),
  ...over,
});

/** A function with this source as its bundle. */
export const aFunction = (folder: string, source: string, over: Partial<FunctionSpec> = {}): FunctionSpec => {
  const codeDir = join(folder, `code-${over.logicalId ?? 'Fn'}`);
  mkdirSync(codeDir, { recursive: true });
  writeFileSync(join(codeDir, 'index.mjs'), source);
  return {
    logicalId: 'Fn',
    label: 'fn',
    name: 'Stack-Fn',
    arn: 'arn:aws:lambda:us-east-1:000000000000:function:Stack-Fn',
    role: aRole(),
    codeDir,
    handler: 'index.handler',
    environment: {},
    timeoutMs: 5000,
    memoryMb: 128,
    traced: false,
    ...over,
  };
};

/**
 * Resources like the real template's: a table, a queue with a function, an API, an event rule, a first token.
 */
const resources = {
  Table: {
    Type: 'AWS::DynamoDB::Table',
    Properties: {
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    },
  },
  DeadLetters: { Type: 'AWS::SQS::Queue', Properties: {} },
  Queue: {
    Type: 'AWS::SQS::Queue',
    Properties: {
      VisibilityTimeout: 1,
      RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': ['DeadLetters', 'Arn'] }, maxReceiveCount: 5 },
    },
  },
  Role: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: { Statement: [] } } },
  RolePolicy: {
    Type: 'AWS::IAM::Policy',
    Properties: {
      PolicyName: 'p',
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
            Resource: { 'Fn::GetAtt': ['Queue', 'Arn'] },
          },
        ],
      },
      Roles: [{ Ref: 'Role' }],
    },
  },
  Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { Name: 'api', ProtocolType: 'HTTP' } },
  Integration: {
    Type: 'AWS::ApiGatewayV2::Integration',
    Properties: {
      ApiId: { Ref: 'Api' },
      IntegrationType: 'AWS_PROXY',
      IntegrationUri: { 'Fn::GetAtt': ['Fn', 'Arn'] },
      PayloadFormatVersion: '2.0',
    },
  },
  Route: {
    Type: 'AWS::ApiGatewayV2::Route',
    Properties: {
      ApiId: { Ref: 'Api' },
      RouteKey: '$default',
      Target: { 'Fn::Join': ['', ['integrations/', { Ref: 'Integration' }]] },
      AuthorizationType: 'NONE',
    },
  },
  FirstToken: {
    Type: 'AWS::Lambda::Function',
    Properties: {
      Code: { S3Bucket: 'assets', S3Key: 'token.zip' },
      Handler: 'index.handler',
      Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
    },
  },
  Fn: {
    Type: 'AWS::Lambda::Function',
    Properties: {
      Code: { S3Bucket: 'assets', S3Key: 'fn.zip' },
      Handler: 'index.handler',
      Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
      Timeout: 5,
      MemorySize: 256,
      Environment: {
        Variables: {
          TABLE_NAME: { Ref: 'Table' },
          QUEUE_URL: { Ref: 'Queue' },
          API_URL: { 'Fn::GetAtt': ['Api', 'ApiEndpoint'] },
        },
      },
    },
  },
  Source: {
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: {
      EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] },
      FunctionName: { Ref: 'Fn' },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    },
  },
  Changes: {
    Type: 'AWS::Events::Rule',
    Properties: {
      EventPattern: { source: ['aws.ec2'], detail: { state: ['running', 'stopped'] } },
      Targets: [{ Id: 'Fn', Arn: { 'Fn::GetAtt': ['Fn', 'Arn'] } }],
    },
  },
};

/**
 * Writes the template, its asset manifest and the functions' code as `cdk synth` does; returns the template's
 * path.
 */
export const writeFixture = (folder: string, source: string, more: Record<string, unknown> = {}): string => {
  const asset = (key: string, code: string) => {
    mkdirSync(join(folder, key), { recursive: true });
    writeFileSync(join(folder, key, 'index.mjs'), code);
    return { source: { path: key }, destinations: { here: { objectKey: `${key}.zip` } } };
  };
  const files = {
    fn: asset('fn', source),
    token: asset('token', 'export const handler = async () => ({ token: "tok" });'),
  };
  const path = join(folder, 'Fixture.template.json');
  writeFileSync(
    path,
    JSON.stringify({ Resources: { ...resources, ...more }, Outputs: { Name: { Value: { Ref: 'Fn' } } } }),
  );
  writeFileSync(join(folder, 'Fixture.assets.json'), JSON.stringify({ files }));
  return path;
};
