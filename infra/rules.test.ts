import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  costsNothingIdle,
  functionsAreAlike,
  hasOneKey,
  instancesAreGuarded,
  instancesMayDoLittle,
  launchesOnlyTaggedInstances,
  letsNothingIn,
  mutatesOnlyNamedResources,
  powersOnlyTaggedInstances,
  type Rule,
  variablesAreDocumented,
} from './testing/rules.ts';
import { synthesize, templateSchema } from './testing/template.ts';

const architecture = readFileSync(join(import.meta.dirname, '../docs/contributing/architecture.md'), 'utf8');
const documentedVariables = [...architecture.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].flatMap(
  ([, name]) => name ?? [],
);

/** Template with a fleet: the functions then have most permissions. */
const template = synthesize({
  fleets: [{ name: 'sydney', region: 'ap-southeast-2', instanceTypes: ['t4g.small'], spot: true }],
});

const one = (Type: string, Properties: Record<string, unknown>) =>
  templateSchema.parse({ Resources: { Bad: { Type, Properties } } });
const policy = (statement: Record<string, unknown>) =>
  one('AWS::IAM::Policy', { PolicyDocument: { Statement: [{ Effect: 'Allow', ...statement }] } });
const fn = (properties: Record<string, unknown>) => ({
  Type: 'AWS::Lambda::Function',
  Properties: {
    Runtime: 'nodejs24.x',
    Handler: 'index.handler',
    Architectures: ['arm64'],
    Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
    LoggingConfig: { LogGroup: { Ref: 'Log' } },
    Environment: { Variables: {} },
    ...properties,
  },
});
const withFunctions = (...functions: unknown[]) =>
  templateSchema.parse({
    Resources: {
      Log: { Type: 'AWS::Logs::LogGroup', Properties: { RetentionInDays: 30 } },
      OtherLog: { Type: 'AWS::Logs::LogGroup' },
      ...Object.fromEntries(functions.map((made, index) => [`Bad${index}`, made])),
    },
  });
const launch = (LaunchTemplateData: Record<string, unknown>) =>
  one('AWS::EC2::LaunchTemplate', { LaunchTemplateData });
const instanceRole = (more: Record<string, unknown>, Action = 's3:GetObject') => {
  const trust = { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'ec2.amazonaws.com' } };
  const statement = { Effect: 'Allow', Action, Resource: 'arn:aws:s3:::bucket/file' };
  return templateSchema.parse({
    Resources: {
      Role: {
        Type: 'AWS::IAM::Role',
        Properties: { AssumeRolePolicyDocument: { Statement: [trust] }, ...more },
      },
      Bad: {
        Type: 'AWS::IAM::Policy',
        Properties: { PolicyDocument: { Statement: [statement] }, Roles: [{ Ref: 'Role' }] },
      },
    },
  });
};
const encryptedVolume = { BlockDeviceMappings: [{ Ebs: { Encrypted: true } }] };
const tagged = (value: string) => ({ StringEquals: { 'aws:ResourceTag/reveille:stack': value } });

const inRegion = { 'aws:RequestedRegion': ['eu-west-1'] };
const getsTag = { 'aws:RequestTag/reveille:stack': 'Reveille' };
const fromTemplate = { ArnLike: { 'ec2:LaunchTemplate': 'arn:aws:ec2:*:1:launch-template/*' } };
const launching = (resource: string, StringEquals: object, more: object = fromTemplate) =>
  policy({
    Action: 'ec2:RunInstances',
    Resource: `arn:aws:ec2:*:1:${resource}/*`,
    Condition: { StringEquals, ...more },
  });
const passedTo = (service: string) => ({
  StringEquals: { 'iam:PassedToService': `${service}.amazonaws.com` },
});

const cases: { rule: Rule; name: string; bad: [string, ReturnType<typeof one>][] }[] = [
  {
    name: 'costs nothing while idle',
    rule: costsNothingIdle,
    bad: [
      ['a NAT gateway', one('AWS::EC2::NatGateway', {})],
      ['a load balancer', one('AWS::ElasticLoadBalancingV2::LoadBalancer', {})],
      ['a secret', one('AWS::SecretsManager::Secret', {})],
      ['a function in a VPC', one('AWS::Lambda::Function', { VpcConfig: {} })],
      ['provisioned concurrency', one('AWS::Lambda::Version', { ProvisionedConcurrencyConfig: {} })],
      [
        'an index with provisioned capacity',
        one('AWS::DynamoDB::Table', { GlobalSecondaryIndexes: [{ ProvisionedThroughput: {} }] }),
      ],
    ],
  },
  {
    name: 'pays for one key and no more',
    rule: hasOneKey,
    bad: [
      [
        'another key',
        templateSchema.parse({
          Resources: { One: { Type: 'AWS::KMS::Key' }, Bad: { Type: 'AWS::KMS::Key' } },
        }),
      ],
    ],
  },
  {
    name: 'lets no function change what is not named',
    rule: mutatesOnlyNamedResources,
    bad: [
      ['one action', policy({ Action: 'sqs:SendMessage', Resource: '*' })],
      [
        'one among readers',
        policy({ Action: ['ec2:DescribeInstances', 'ec2:RunInstances'], Resource: ['*'] }),
      ],
      ['a wildcard', policy({ Action: 'dynamodb:*', Resource: '*' })],
      ['all but some', policy({ NotAction: 'iam:*', Resource: '*' })],
      [
        'inline in a role',
        one('AWS::IAM::Role', {
          Policies: [
            { PolicyDocument: { Statement: { Effect: 'Allow', Action: 'sqs:DeleteQueue', Resource: '*' } } },
          ],
        }),
      ],
    ],
  },
  {
    name: 'starts, stops and terminates only instances that are its own',
    rule: powersOnlyTaggedInstances('Reveille'),
    bad: [
      ['no condition', policy({ Action: 'ec2:StartInstances', Resource: 'arn:aws:ec2:*:1:instance/*' })],
      ["another stack's", policy({ Action: 'ec2:StopInstances', Resource: 'x', Condition: tagged('Other') })],
      [
        'an end of what no fleet launched',
        policy({ Action: 'ec2:TerminateInstances', Resource: 'x', Condition: tagged('Reveille') }),
      ],
      [
        'the same by a wildcard',
        policy({ Action: 'ec2:Terminate*', Resource: 'x', Condition: tagged('Reveille') }),
      ],
      ['a wildcard', policy({ Action: 'ec2:*', Resource: 'x' })],
    ],
  },
  {
    name: 'launches only instances that get the tag, from launch templates that have it, where fleets are',
    rule: launchesOnlyTaggedInstances,
    bad: [
      ['any instance', launching('instance', { ...inRegion })],
      [
        'everything',
        policy({ Action: 'ec2:CreateFleet', Resource: '*', Condition: { StringEquals: inRegion } }),
      ],
      ['any template', launching('launch-template', { ...inRegion })],
      ['no template', launching('instance', { ...inRegion, ...getsTag }, {})],
      ['no template for its image', launching('image', { ...inRegion }, {})],
      ['any region', launching('instance', getsTag)],
      [
        'any role',
        policy({ Action: 'iam:PassRole', Resource: 'arn:aws:iam::1:role/*', Condition: passedTo('ec2') }),
      ],
      ['a role for anything', policy({ Action: 'iam:PassRole', Resource: 'arn:aws:iam::1:role/one' })],
    ],
  },
  {
    name: 'lets nothing in',
    rule: letsNothingIn,
    bad: [
      [
        'a rule of the group',
        one('AWS::EC2::SecurityGroup', { SecurityGroupIngress: [{ CidrIp: '0.0.0.0/0' }] }),
      ],
      ['a rule beside the group', one('AWS::EC2::SecurityGroupIngress', { CidrIpv6: '::/0' })],
    ],
  },
  {
    name: 'gives each function the runtime, a role and a log of its own',
    rule: functionsAreAlike,
    bad: [
      ['another runtime', withFunctions(fn({ Runtime: 'nodejs20.x' }))],
      ['another architecture', withFunctions(fn({ Architectures: undefined }))],
      ['another handler', withFunctions(fn({ Handler: 'main.handler' }))],
      ['no log group', withFunctions(fn({ LoggingConfig: undefined }))],
      [
        'a log that is kept for ever',
        withFunctions(fn({ LoggingConfig: { LogGroup: { Ref: 'OtherLog' } } })),
      ],
      ['one role for two', withFunctions(fn({}), fn({ LoggingConfig: undefined }))],
    ],
  },
  {
    name: 'guards the metadata and the volume of instances',
    rule: instancesAreGuarded,
    bad: [
      [
        'IMDSv1',
        launch({
          ...encryptedVolume,
          MetadataOptions: { HttpTokens: 'optional', HttpPutResponseHopLimit: 1 },
        }),
      ],
      [
        'two hops',
        launch({
          ...encryptedVolume,
          MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 2 },
        }),
      ],
      ['no options', launch(encryptedVolume)],
      [
        'a volume in the clear',
        launch({ MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 } }),
      ],
    ],
  },
  {
    name: 'lets instances do little, as every task on them can use their role',
    rule: instancesMayDoLittle,
    bad: [
      [
        'a policy of AWS',
        instanceRole({ ManagedPolicyArns: ['arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore'] }),
      ],
      ['parameters', instanceRole({}, 'ssm:GetParameter')],
      ['a wildcard', instanceRole({}, 's3:*')],
    ],
  },
  {
    name: 'has only variables that the documentation has',
    rule: variablesAreDocumented(documentedVariables),
    bad: [['another', withFunctions(fn({ Environment: { Variables: { TABLE: 'x' } } }))]],
  },
];

describe.each(cases)('the stack $name', ({ rule, bad }) => {
  test('complies', () => {
    expect(rule(template)).toEqual([]);
  });

  test.each(bad)('detects %s', (_, broken) => {
    expect(rule(broken)).not.toEqual([]);
  });
});
