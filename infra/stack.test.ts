import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { functionNamesIn } from './bundle.ts';
import { runnerUserData } from './runner-user-data.ts';
import { resourcesOf, synthesize } from './testing/template.ts';

const template = synthesize();
const propertiesOf = (type: string) => resourcesOf(template, type).map(([, { Properties }]) => Properties);
const environmentOf = (name: string) =>
  resourcesOf(template, 'AWS::Lambda::Function').find(([id]) => id.startsWith(`${name}Function`))?.[1]
    .Properties.Environment;

describe('the stack', () => {
  test('has a function for each folder', () => {
    expect(propertiesOf('AWS::Lambda::Function')).toHaveLength(
      functionNamesIn(join(import.meta.dirname, '..')).length,
    );
  });

  test('routes the webhooks to their functions and everything else to the API', () => {
    const routes = propertiesOf('AWS::ApiGatewayV2::Route').map(({ RouteKey }) => RouteKey);
    expect(routes.sort()).toEqual([
      '$default',
      'POST /webhooks/semaphore',
      'POST /webhooks/task-finish',
      'POST /webhooks/task-start',
    ]);
  });

  test('tags every resource that costs with its name, and instances launched from it too', () => {
    const tag = '{"Key":"reveille:stack","Value":"Reveille"}';
    const costly =
      /^AWS::(DynamoDB::Table|Lambda::Function|SQS::Queue|KMS::Key|S3::Bucket|CloudFront::Distribution|EC2::LaunchTemplate|Logs::LogGroup)$/;
    const untagged = Object.entries(template.Resources)
      .filter(([, { Type, Properties }]) => costly.test(Type) && !JSON.stringify(Properties).includes(tag))
      .map(([id]) => id);
    expect(untagged).toEqual([]);
  });

  test('can be backed up to any second, and deletes expired items', () => {
    expect(propertiesOf('AWS::DynamoDB::Table')).toEqual([
      expect.objectContaining({
        BillingMode: 'PAY_PER_REQUEST',
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      }),
    ]);
  });

  test('indexes only the keys of live items', () => {
    expect(propertiesOf('AWS::DynamoDB::Table')[0]?.GlobalSecondaryIndexes).toEqual([
      expect.objectContaining({ IndexName: 'live', Projection: { ProjectionType: 'KEYS_ONLY' } }),
    ]);
  });

  test('has a dead-letter queue behind each of its queues', () => {
    const queues = propertiesOf('AWS::SQS::Queue');
    expect(queues.filter(({ RedrivePolicy }) => RedrivePolicy !== undefined)).toHaveLength(queues.length / 2);
  });

  test('passes the maximum attempts of SQS to webhook-retry', () => {
    const retries = propertiesOf('AWS::SQS::Queue').map(({ RedrivePolicy }) => RedrivePolicy);
    expect(retries).toContainEqual(expect.objectContaining({ maxReceiveCount: 10 }));
    expect(environmentOf('WebhookRetry')).toMatchObject({ Variables: { WEBHOOK_RETRIES_MAX: '10' } });
  });

  test('has no parameter except that of the CDK, so that it deploys without a question', () => {
    expect(Object.keys(template.Parameters)).toEqual(['BootstrapVersion']);
  });

  test('outputs the URL of the API and the command for the first token', () => {
    expect(Object.keys(template.Outputs).sort()).toEqual([
      'AlarmTopicArn',
      'ApiUrl',
      'ConsoleUrl',
      'FirstTokenFunctionName',
      'RotateSecretsFunctionName',
      'RunnerAgentLocation',
      'RunnerLaunchTemplateId',
      'SemaphoreSetupFunctionName',
      'TableName',
    ]);
    const guide = readFileSync(join(import.meta.dirname, '../docs/operating/deploy.md'), 'utf8');
    for (const name of Object.keys(template.Outputs)) expect(guide).toContain(`| \`${name}\` | `);
  });

  test('contains only the drop-in for Semaphore when the context asks for that', () => {
    const only = synthesize({ semaphoreOnly: 'true' });
    expect(resourcesOf(only, 'AWS::Lambda::Function').map(([id]) => id.replace(/Function.*/, ''))).toEqual([
      'SemaphoreHook',
      'SemaphoreSetup',
    ]);
    const routes = resourcesOf(only, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => Properties);
    expect(routes.map(({ RouteKey }) => RouteKey)).toEqual(['POST /webhooks/semaphore']);
    expect(resourcesOf(only, 'AWS::SQS::Queue')).toEqual([]);
    expect(Object.keys(only.Outputs).sort()).toEqual([
      'AlarmTopicArn',
      'SemaphoreSetupFunctionName',
      'TableName',
    ]);
  });

  test('can be in two regions of one account: account-wide names contain the region', () => {
    const region = '{"Ref":"AWS::Region"}';
    const named = [
      ...propertiesOf('AWS::CloudFront::ResponseHeadersPolicy').map((one) => one.ResponseHeadersPolicyConfig),
      ...propertiesOf('AWS::CloudFront::OriginAccessControl').map((one) => one.OriginAccessControlConfig),
      ...propertiesOf('AWS::CloudFront::Function'),
      ...propertiesOf('AWS::CloudWatch::Dashboard').map(({ DashboardName }) => ({ Name: DashboardName })),
    ].map((one) => JSON.stringify(z.object({ Name: z.unknown() }).parse(one).Name));
    expect(named).toHaveLength(5);
    for (const name of named) expect(name).toContain(region);
    // CloudFormation generates all other names, except those that are regional.
    const cloudFront = Object.values(template.Resources).filter(({ Type }) =>
      Type.startsWith('AWS::CloudFront::'),
    );
    expect(cloudFront.map(({ Type }) => Type).sort()).toEqual([
      'AWS::CloudFront::Distribution',
      'AWS::CloudFront::Function',
      'AWS::CloudFront::OriginAccessControl',
      'AWS::CloudFront::ResponseHeadersPolicy',
      'AWS::CloudFront::ResponseHeadersPolicy',
    ]);
    for (const type of ['AWS::IAM::Role', 'AWS::IAM::InstanceProfile', 'AWS::S3::Bucket']) {
      expect(Object.keys(Object.assign({}, ...propertiesOf(type))).join()).not.toMatch(/\w+Name\b/);
    }
  });

  test('shortens names for CloudFront to their maximum for any name of the stack', () => {
    const long = synthesize({ stackName: `R${'x'.repeat(99)}` });
    const [control] = resourcesOf(long, 'AWS::CloudFront::OriginAccessControl');
    const { Name } = z
      .object({ Name: z.object({ 'Fn::Join': z.tuple([z.literal(''), z.array(z.unknown())]) }) })
      .parse(control?.[1].Properties.OriginAccessControlConfig);
    const [, parts] = Name['Fn::Join'];
    const text = parts.map((part) => (typeof part === 'string' ? part : 'ap-southeast-99')).join('');
    expect(text.length).toBeLessThanOrEqual(64);
  });

  test('takes prefix and instance type from the context', () => {
    const other = JSON.stringify(synthesize({ prefix: 'staging-', runnerInstanceType: 'c7g.large' }));
    expect(other).toContain(':staging-prj_*');
    expect(other).not.toContain('reveille-prj_*');
    expect(other).toContain('"InstanceType":"c7g.large"');
  });

  test.each([
    ['prefix', 'Staging'],
    ['prefix', 'much-too-long-for-a-queue-'],
    ['runnerInstanceType', 'm5.large'],
    ['runnerVpcId', 'default'],
    ['stackName', '1st'],
  ])('rejects the %s %s and names the setting', (name, value) => {
    expect(() => synthesize({ [name]: value })).toThrow(`"${name}" must be`);
  });
});

describe('the script of a runner instance', () => {
  const script = runnerUserData({
    agentLocation: 's3://bucket/agent.mjs',
    agentSha256: 'a'.repeat(64),
    service: '[Unit]\n',
    path: '[Path]\n',
  });

  test('can be parsed by bash', () => {
    expect(() => execFileSync('bash', ['-n'], { input: script })).not.toThrow();
  });

  test('fits, with the real units, into the maximum of EC2', () => {
    const [data] = propertiesOf('AWS::EC2::LaunchTemplate').map((launch) => JSON.stringify(launch));
    expect(data).toContain('ConditionPathExists=/etc/reveille/runner.json');
    expect(data?.length).toBeLessThan(16_000);
  });
});
