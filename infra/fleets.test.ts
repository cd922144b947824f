import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { acknowledgedForFleets, acknowledgedOf, addNag } from './nag.ts';
import { costsNothingIdle, instancesAreGuarded, letsNothingIn } from './testing/rules.ts';
import { resourcesOf, synthesize, synthesizeAll, type Template } from './testing/template.ts';

const aFleet = (over: Record<string, unknown> = {}) => ({
  name: 'sydney',
  region: 'ap-southeast-2',
  tags: ['sydney'],
  instanceTypes: ['t4g.small'],
  ...over,
});
const threeRegions = [
  aFleet(),
  aFleet({ name: 'large', instanceTypes: ['c7g.2xlarge', 'c8g.2xlarge'], spot: true, volumeGiB: 100 }),
  aFleet({ name: 'dublin', region: 'eu-west-1', tags: [] }),
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
const launchSchema = z.object({
  LaunchTemplateData: z.looseObject({
    ImageId: z.string(),
    InstanceType: z.string(),
    InstanceMarketOptions: z.unknown().optional(),
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

describe('fleets', () => {
  test('have a stack in each of their regions, and the control plane is as it was without them', () => {
    expect(Object.keys(templates).sort()).toEqual([
      'Reveille',
      'Reveille-fleets-ap-southeast-2',
      'Reveille-fleets-eu-west-1',
      'Reveille-fleets-us-east-2',
    ]);
    expect(templates.Reveille).toEqual(synthesize());
  });

  test('are tagged, instances and volumes, for start and stop and for the bill', () => {
    const [sydney] = launchesOf('ap-southeast-2');
    const tags = {
      'reveille:managed': 'true',
      'reveille:stack': 'Reveille',
      'reveille:fleet': 'sydney',
      'reveille:tags': 'sydney',
      Name: 'Reveille-sydney',
    };
    expect(sydney && tagsOf(sydney)).toEqual([tags, tags]);
  });

  test('launch the newest Amazon Linux of their architecture, or what they are told', () => {
    const linux = 'resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64';
    expect(launchesOf('eu-west-1')).toMatchObject([{ ImageId: linux, InstanceType: 't4g.small' }]);
    expect(launchesOf('us-east-2')).toMatchObject([
      { ImageId: 'resolve:ssm:/golden/runner', InstanceType: 'm7i.large' },
    ]);
  });

  test('on spot can be stopped and started', () => {
    const [sydney, large] = launchesOf('ap-southeast-2');
    expect(sydney?.InstanceMarketOptions).toBeUndefined();
    expect(large?.InstanceMarketOptions).toEqual({
      MarketType: 'spot',
      SpotOptions: { SpotInstanceType: 'persistent', InstanceInterruptionBehavior: 'stop' },
    });
    expect(large?.BlockDeviceMappings[0]?.Ebs.VolumeSize).toBe(100);
  });

  test('share one small VPC of their region, or use the one that they are given', () => {
    expect(resourcesOf(inRegion('ap-southeast-2'), 'AWS::EC2::VPC')).toHaveLength(1);
    expect(resourcesOf(inRegion('ap-southeast-2'), 'AWS::EC2::Subnet')).toHaveLength(2);
    expect(resourcesOf(inRegion('us-east-2'), 'AWS::EC2::VPC')).toHaveLength(0);
    const [[, group] = []] = resourcesOf(inRegion('us-east-2'), 'AWS::EC2::SecurityGroup');
    expect(group?.Properties.VpcId).toBe('vpc-0123456789abcdef0');
  });

  test.each(Object.entries(templates).filter(([name]) => name !== 'Reveille'))(
    '%s costs nothing while no instance is there, lets nothing in, and guards what it launches',
    (_, template) => {
      for (const rule of [costsNothingIdle, letsNothingIn, instancesAreGuarded])
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
    [aFleet({ volumeGiB: 4 }), '"fleets[0].volumeGiB" must be at least 8'],
    [aFleet({ subnets: ['subnet-0123456789abcdef0'] }), '"fleets[0].vpcId" must be given'],
    [aFleet({ spot: 'yes' }), '"fleets[0].spot" must be true or false'],
    [aFleet({ instanceType: 't4g.small' }), '"fleets[0]" has fields that no fleet has: instanceType'],
    [aFleet({ userDataFile: 'none.sh' }), 'the userDataFile none.sh, which does not exist'],
  ])('that are wrong are refused by the name of the field (%#)', (fleet, message) => {
    expect(() => synthesizeAll({ fleets: [fleet] })).toThrow(message);
  });

  test('of the same name are refused, and what is no list', () => {
    expect(() => synthesizeAll({ fleets: [aFleet(), aFleet()] })).toThrow('"fleets[1].name" must be unique');
    expect(() => synthesizeAll({ fleets: 'sydney' })).toThrow('"fleets" must be a list');
  });

  test('can come from the command line as text', () => {
    const names = Object.keys(synthesizeAll({ fleets: JSON.stringify([aFleet()]) }));
    expect(names).toContain('Reveille-fleets-ap-southeast-2');
  });
});
