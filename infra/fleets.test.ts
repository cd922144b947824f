import { inflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { acknowledgedForFleets, acknowledgedOf, addNag } from './nag.ts';
import {
  allowances,
  costsNothingIdle,
  instancesAreGuarded,
  instancesMayDoLittle,
  letsNothingIn,
} from './testing/rules.ts';
import {
  controlPlaneRegion,
  resourcesOf,
  synthesize,
  synthesizeAll,
  type Template,
} from './testing/template.ts';

const aFleet = (over: Record<string, unknown> = {}) => ({
  name: 'sydney',
  region: 'ap-southeast-2',
  tags: ['sydney'],
  instanceTypes: ['t4g.small'],
  ...over,
});
const officeHours = {
  days: ['mon', 'tue', 'wed', 'thu', 'fri'],
  from: '08:00',
  to: '18:00',
  timeZone: 'Australia/Sydney',
  idleTimeoutSeconds: 3600,
};
const threeRegions = [
  aFleet(),
  aFleet({ name: 'large', instanceTypes: ['c7g.2xlarge', 'c8g.2xlarge'], spot: true, volumeGiB: 100 }),
  aFleet({ name: 'dublin', region: 'eu-west-1', tags: [], whenIdle: 'hibernate', idleTimeoutSeconds: 90 }),
  aFleet({
    name: 'ohio',
    region: 'us-east-2',
    architecture: 'x86_64',
    instanceTypes: ['m7i.large'],
    ami: '/golden/runner',
    vpcId: 'vpc-0123456789abcdef0',
    subnets: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
  }),
];
const templates = synthesizeAll({ fleets: threeRegions });
const inRegion = (region: string): Template => {
  const template = templates[`Reveille-fleets-${region}`];
  if (!template) throw new Error(`There is no stack in ${region}.`);
  return template;
};
const inStack = templates.Reveille ?? { Resources: {}, Outputs: {}, Parameters: {} };
const environmentSchema = z.object({
  Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }),
});
const launchSchema = z.object({
  LaunchTemplateData: z.looseObject({
    ImageId: z.string(),
    InstanceType: z.string(),
    InstanceMarketOptions: z.unknown().optional(),
    HibernationOptions: z.unknown().optional(),
    MetadataOptions: z.object({ InstanceMetadataTags: z.string().optional() }),
    UserData: z.unknown(),
    BlockDeviceMappings: z.array(z.object({ Ebs: z.object({ VolumeSize: z.number() }) })),
    TagSpecifications: z.array(z.object({ Tags: z.array(z.object({ Key: z.string(), Value: z.string() })) })),
  }),
});
const launchesOf = (region: string) =>
  resourcesOf(inRegion(region), 'AWS::EC2::LaunchTemplate').map(
    ([, { Properties }]) => launchSchema.parse(Properties).LaunchTemplateData,
  );
const tagsOf = ({ TagSpecifications }: ReturnType<typeof launchesOf>[number]) =>
  TagSpecifications.map(({ Tags }) => Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value])));

const unpack = (packed: unknown) =>
  z
    .object({ stack: z.string(), fleets: z.array(z.looseObject({ name: z.string() })) })
    .parse(JSON.parse(inflateRawSync(Buffer.from(z.string().parse(packed), 'base64')).toString()));
/** Parses the fleets in the environment of the API. */
const knownTo = (template: Template) => {
  const [, api] =
    resourcesOf(template, 'AWS::Lambda::Function').find(([id]) => id.startsWith('ApiFunction')) ?? [];
  return unpack(environmentSchema.parse(api?.Properties).Environment.Variables.RUNNER_FLEETS);
};

describe('fleets', () => {
  test('have a stack in each of their regions', () => {
    expect(Object.keys(templates).sort()).toEqual([
      'Reveille',
      'Reveille-fleets-ap-southeast-2',
      'Reveille-fleets-eu-west-1',
      'Reveille-fleets-us-east-2',
    ]);
  });

  test('have known names in every region, for launch templates, roles and grants', () => {
    const [[, template] = []] = resourcesOf(inRegion('eu-west-1'), 'AWS::EC2::LaunchTemplate');
    expect(template?.Properties.LaunchTemplateName).toBe('Reveille-dublin');
    const roles = Object.values(templates).flatMap((one) => resourcesOf(one, 'AWS::IAM::Role'));
    const names = roles.flatMap(([, { Properties }]) => Properties.RoleName ?? []);
    expect(names.sort()).toEqual(['Reveille-dublin', 'Reveille-large', 'Reveille-ohio', 'Reveille-sydney']);
    const passed = JSON.stringify(resourcesOf(inStack, 'AWS::IAM::Policy'));
    for (const name of names) expect(passed).toContain(`role/${String(name)}`);
    expect(passed).toContain('ssm:us-east-2:');
    expect(passed).toContain('parameter/golden/runner');
  });

  test.each([
    ['of Amazon, where they name none', {}, ':ec2:*::image/*', 'amazon'],
    [
      'that they name',
      { ami: 'ami-0123456789abcdef0' },
      ':ec2:ap-southeast-2::image/ami-0123456789abcdef0',
      undefined,
    ],
    ["of an operator's own parameter, of any owner", { ami: '/golden/runner' }, ':ec2:*::image/*', undefined],
  ])('launch from images %s', (_, over, resource, owner) => {
    const launches = allowances(synthesize({ fleets: [aFleet(over)] })).filter(
      ([id, { Action, Resource }]) =>
        id.startsWith('RunnerPower') &&
        Action.includes('ec2:RunInstances') &&
        JSON.stringify(Resource).includes('image/'),
    );
    expect(launches).toHaveLength(1);
    const [[, launch] = []] = launches;
    expect(JSON.stringify(launch?.Resource)).toContain(`"${resource}"`);
    expect(launch?.Condition.StringEquals?.['ec2:Owner']).toBe(owner);
  });

  test('give the functions no permission when there are no fleets', () => {
    const text = JSON.stringify(synthesize());
    for (const what of [
      'RUNNER_FLEETS',
      'ec2:CreateFleet',
      'ec2:RunInstances',
      'ec2:TerminateInstances',
      'ec2:DescribeSubnets',
    ])
      expect(text).not.toContain(what);
  });

  test('are passed to the functions that need them, in a form that these parse', () => {
    const functions = resourcesOf(inStack, 'AWS::Lambda::Function');
    const told = functions.flatMap(([id, { Properties }]) => {
      const { Environment } = environmentSchema.parse(Properties);
      const { RUNNER_FLEETS } = Environment.Variables;
      return RUNNER_FLEETS === undefined ? [] : [[id.replace(/Function.*/, ''), RUNNER_FLEETS] as const];
    });
    expect(told.map(([id]) => id).sort()).toEqual(['Api', 'InstanceEvents', 'Reconcile', 'RunnerPower']);
    const read = unpack(told[0]?.[1]);
    expect(read).toMatchObject({
      stack: 'Reveille',
      fleets: [
        {
          name: 'sydney',
          region: 'ap-southeast-2',
          tags: ['sydney'],
          instanceTypes: ['t4g.small'],
          maxInstances: 3,
        },
        { name: 'large', spot: true, whenIdle: 'terminate' },
        { name: 'dublin', whenIdle: 'hibernate', idleTimeoutMs: 90_000 },
        { name: 'ohio', subnets: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'] },
      ],
    });
  });

  test('keep the environment below 4 KB, and are rejected otherwise', () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, index) =>
        aFleet({ name: `fleet-${index}`, tags: [`tag-${index}`], schedule: [officeHours] }),
      );
    const [, api] =
      resourcesOf(synthesize({ fleets: many(40) }), 'AWS::Lambda::Function').find(([id]) =>
        id.startsWith('ApiFunction'),
      ) ?? [];
    const { Environment } = environmentSchema.parse(api?.Properties);
    // A reference stands for a name or an ARN of at most this many characters.
    const sizeOf = (value: unknown) => (typeof value === 'string' ? value.length : 140);
    const total = Object.entries(Environment.Variables).reduce(
      (sum, [name, value]) => sum + name.length + sizeOf(value),
      0,
    );
    expect(total).toBeLessThan(4096);
    expect(() => synthesize({ fleets: many(400) })).toThrow(/400 fleets in cdk.json are too many/);
  });

  test('have instances that enrol by themselves, and find the API by a tag', () => {
    const [sydney] = launchesOf('ap-southeast-2');
    expect(sydney?.MetadataOptions.InstanceMetadataTags).toBe('enabled');
    expect(JSON.stringify(sydney?.UserData)).toContain('reveille-enroll.service');
    expect(JSON.stringify(inStack)).not.toContain('reveille-enroll.service');
  });

  test('are tagged, instances and volumes, for start and stop and for the bill', () => {
    const [sydney] = launchesOf('ap-southeast-2');
    const tags = {
      'reveille:stack': 'Reveille',
      'reveille:fleet': 'sydney',
      'reveille:tags': 'sydney',
      Name: 'Reveille-sydney',
    };
    expect(sydney && tagsOf(sydney)).toEqual([tags, tags, tags]);
  });

  test('have custom tags, which the control plane adds to each launch too', () => {
    const all = synthesizeAll({ fleets: [aFleet({ instanceTags: { 'cost-centre': '47 11' } })] });
    const [[, template] = []] = resourcesOf(
      all['Reveille-fleets-ap-southeast-2'] ?? inStack,
      'AWS::EC2::LaunchTemplate',
    );
    const tagged = tagsOf(launchSchema.parse(template?.Properties).LaunchTemplateData);
    expect(tagged).toHaveLength(3);
    for (const tags of tagged)
      expect(tags).toMatchObject({ 'cost-centre': '47 11', 'reveille:stack': 'Reveille' });
    expect(knownTo(all.Reveille ?? inStack).fleets).toMatchObject([
      { instanceTags: { 'cost-centre': '47 11' } },
    ]);
  });

  test.each([
    [{}, 'stop'],
    [{ whenIdle: 'hibernate' }, 'stop'],
    [{ whenIdle: 'terminate' }, 'terminate'],
    [{ spot: true }, 'terminate'],
  ])('with %j have instances that %s when they shut themselves down', (over, behaviour) => {
    const all = synthesizeAll({ fleets: [aFleet(over)] });
    const [[, template] = []] = resourcesOf(
      all['Reveille-fleets-ap-southeast-2'] ?? inStack,
      'AWS::EC2::LaunchTemplate',
    );
    expect(template?.Properties).toMatchObject({
      LaunchTemplateData: { InstanceInitiatedShutdownBehavior: behaviour },
    });
  });

  test('have a stack description that CloudFormation accepts for any number of fleets', () => {
    const many = Array.from({ length: 45 }, (_, index) =>
      aFleet({ name: `fleet-with-a-long-name-${index}`, tags: [] }),
    );
    const { Description } = synthesizeAll({ fleets: many })['Reveille-fleets-ap-southeast-2'] ?? inStack;
    expect(Description).toBe('Reveille: 45 runner fleets');
    expect(inRegion('ap-southeast-2').Description).toBe('Reveille: runner fleets sydney, large');
  });

  test('may be in the European Sovereign Cloud', () => {
    const all = synthesizeAll({ fleets: [aFleet({ region: 'eusc-de-east-1' })] });
    expect(Object.keys(all)).toContain('Reveille-fleets-eusc-de-east-1');
  });

  test('launch the newest Amazon Linux of their architecture, or the configured image', () => {
    const linux = 'resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64';
    expect(launchesOf('eu-west-1')).toMatchObject([{ ImageId: linux, InstanceType: 't4g.small' }]);
    expect(launchesOf('us-east-2')).toMatchObject([
      { ImageId: 'resolve:ssm:/golden/runner', InstanceType: 'm7i.large' },
    ]);
  });

  test('leave the choice of spot to the launch, and hibernate where configured', () => {
    const [sydney, large] = launchesOf('ap-southeast-2');
    const [dublin] = launchesOf('eu-west-1');
    expect([sydney, large, dublin].map((launch) => launch?.InstanceMarketOptions)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(dublin?.HibernationOptions).toEqual({ Configured: true });
    expect(large?.HibernationOptions).toBeUndefined();
    expect(large?.BlockDeviceMappings[0]?.Ebs.VolumeSize).toBe(100);
  });

  test('may have any name: that of another resource, or one that differs by a dash', () => {
    const named = ['network', 'fleets', 'a1', 'a-1', 'a--1', 'a-'];
    const all = synthesizeAll({ fleets: named.map((name) => aFleet({ name })) });
    const template = all['Reveille-fleets-ap-southeast-2'] ?? inStack;
    const launches = resourcesOf(template, 'AWS::EC2::LaunchTemplate');
    expect(launches.map(([, { Properties }]) => Properties.LaunchTemplateName).sort()).toEqual(
      named.map((name) => `Reveille-${name}`).sort(),
    );
    const outputs = Object.values(template.Outputs).map((one) => JSON.stringify(one));
    for (const name of named)
      expect(outputs.filter((one) => one.includes(`Of the fleet ${name}"`))).toHaveLength(2);
  });

  test('forward events of instances to the region of the control plane, unless they are in it', () => {
    const rulesIn = (template: Template) =>
      resourcesOf(template, 'AWS::Events::Rule').map(([, { Properties }]) => Properties);
    const [far, ...more] = rulesIn(inRegion('eu-west-1'));
    expect(more).toEqual([]);
    const pattern = rulesIn(inStack).find(({ EventPattern }) =>
      JSON.stringify(EventPattern)?.includes('Rebalance'),
    );
    expect(far?.EventPattern).toEqual(pattern?.EventPattern);
    const [[roleId] = []] = resourcesOf(inRegion('eu-west-1'), 'AWS::IAM::Role').filter(
      ([, { Properties }]) =>
        JSON.stringify(Properties.AssumeRolePolicyDocument).includes('events.amazonaws.com'),
    );
    const bus = {
      'Fn::Join': [
        '',
        [
          ...['arn:', { Ref: 'AWS::Partition' }, `:events:${controlPlaneRegion}:`],
          ...[{ Ref: 'AWS::AccountId' }, ':event-bus/default'],
        ],
      ],
    };
    expect(far?.Targets).toEqual([{ Arn: bus, Id: 'Target0', RoleArn: { 'Fn::GetAtt': [roleId, 'Arn'] } }]);
    const [[, policy] = []] = resourcesOf(inRegion('eu-west-1'), 'AWS::IAM::Policy').filter(
      ([, { Properties }]) => JSON.stringify(Properties.Roles) === JSON.stringify([{ Ref: roleId }]),
    );
    expect(policy?.Properties.PolicyDocument).toMatchObject({
      Statement: [{ Effect: 'Allow', Action: 'events:PutEvents', Resource: bus }],
    });
    const near = synthesizeAll({ fleets: [aFleet({ region: controlPlaneRegion })] });
    expect(rulesIn(near[`Reveille-fleets-${controlPlaneRegion}`] ?? inStack)).toEqual([]);
  });

  test('share one small VPC of their region, or use the configured one', () => {
    expect(resourcesOf(inRegion('ap-southeast-2'), 'AWS::EC2::VPC')).toHaveLength(1);
    expect(resourcesOf(inRegion('ap-southeast-2'), 'AWS::EC2::Subnet')).toHaveLength(2);
    expect(resourcesOf(inRegion('us-east-2'), 'AWS::EC2::VPC')).toHaveLength(0);
    const [[, group] = []] = resourcesOf(inRegion('us-east-2'), 'AWS::EC2::SecurityGroup');
    expect(group?.Properties.VpcId).toBe('vpc-0123456789abcdef0');
  });

  test.each(Object.entries(templates).filter(([name]) => name !== 'Reveille'))(
    'of %s cost nothing without instances, let nothing in, and guard and limit instances',
    (_, template) => {
      for (const rule of [costsNothingIdle, letsNothingIn, instancesAreGuarded, instancesMayDoLittle])
        expect(rule(template)).toEqual([]);
    },
  );

  test('pass the rules for AWS', () => {
    const acknowledged = [...acknowledgedOf({ prefix: 'reveille-' }), ...acknowledgedForFleets];
    expect(() => synthesizeAll({ fleets: threeRegions }, (app) => addNag(app, acknowledged))).not.toThrow();
  });

  test.each([
    [aFleet({ name: 'Sydney' }), '"fleets[0].name" must be small letters'],
    [aFleet({ region: 'sydney' }), '"fleets[0].region" must be a region such as eu-central-1'],
    [aFleet({ instanceTypes: [] }), '"fleets[0].instanceTypes" must name an instance type'],
    [aFleet({ instanceTypes: ['m7i.large'] }), '"fleets[0].instanceTypes[0]" must be an arm64 type'],
    [aFleet({ architecture: 'x86_64' }), '"fleets[0].instanceTypes[0]" must be an x86_64 type'],
    [aFleet({ ami: 'amazon-linux' }), '"fleets[0].ami" must be ami-…'],
    [
      aFleet({ tags: Array.from({ length: 16 }, (_, index) => `tag-of-some-length-${index}`) }),
      '"fleets[0].tags" must be at most 256 characters together',
    ],
    [
      aFleet({ instanceTags: { 'cost/centre': '1' } }),
      '"fleets[0].instanceTags.cost/centre" must be named by letters',
    ],
    [aFleet({ instanceTags: { Name: 'x' } }), '"fleets[0].instanceTags.Name" must not be Name'],
    [
      aFleet({ instanceTags: { 'reveille:stack': 'x' } }),
      'must not be Name and not begin with aws: or reveille:',
    ],
    [
      aFleet({ instanceTags: { team: 'x'.repeat(257) } }),
      '"fleets[0].instanceTags.team" must be at most 256 characters',
    ],
    [aFleet({ volumeGiB: 4 }), '"fleets[0].volumeGiB" must be at least 8'],
    [aFleet({ subnets: ['subnet-0123456789abcdef0'] }), '"fleets[0].vpcId" must be given'],
    [aFleet({ spot: 'yes' }), '"fleets[0].spot" must be true or false'],
    [
      aFleet({ spot: true, whenIdle: 'stop' }),
      '"fleets[0].whenIdle" must be terminate with spot: EC2 can neither',
    ],
    [aFleet({ spot: true, whenIdle: 'hibernate' }), '"fleets[0].whenIdle" must be terminate with spot'],
    [aFleet({ whenIdle: 'sleep' }), '"fleets[0].whenIdle" must be stop, hibernate or terminate'],
    [aFleet({ maxInstances: 0 }), '"fleets[0].maxInstances" must be at least 1'],
    [aFleet({ idleTimeoutSeconds: -1 }), '"fleets[0].idleTimeoutSeconds" must be at least 0'],
    [aFleet({ schedule: [{ ...officeHours, days: [] }] }), '"fleets[0].schedule[0].days" must name a day'],
    [
      aFleet({ schedule: [{ ...officeHours, days: ['Monday'] }] }),
      '"fleets[0].schedule[0].days[0]" must be one of mon',
    ],
    [
      aFleet({ schedule: [{ ...officeHours, from: '8:00' }] }),
      '"fleets[0].schedule[0].from" must be a time such as',
    ],
    [
      aFleet({ schedule: [{ ...officeHours, to: '08:00' }] }),
      '"fleets[0].schedule[0].to" must not be the same',
    ],
    [
      aFleet({ schedule: [{ ...officeHours, timeZone: 'Berlin' }] }),
      '"fleets[0].schedule[0].timeZone" must be a time',
    ],
    [aFleet({ instanceType: 't4g.small' }), '"fleets[0]" has fields that no fleet has: instanceType'],
    [aFleet({ userDataFile: 'none.sh' }), 'the userDataFile none.sh, which does not exist'],
  ])('are rejected by the name of the wrong field (%#)', (fleet, message) => {
    expect(() => synthesizeAll({ fleets: [fleet] })).toThrow(message);
  });

  test('are rejected with a name that is too long for their role', () => {
    const context = { stackName: 'A'.repeat(60), fleets: [aFleet()] };
    expect(() => synthesizeAll(context)).toThrow(/is too long for the role/);
  });

  test('are rejected with a duplicate name, or when they are not a list', () => {
    expect(() => synthesizeAll({ fleets: [aFleet(), aFleet()] })).toThrow('"fleets[1].name" must be unique');
    expect(() => synthesizeAll({ fleets: 'sydney' })).toThrow('"fleets" must be a list');
  });

  test('can come from the command line as text', () => {
    const names = Object.keys(synthesizeAll({ fleets: JSON.stringify([aFleet()]) }));
    expect(names).toContain('Reveille-fleets-ap-southeast-2');
  });
});
