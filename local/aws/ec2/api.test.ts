import {
  CreateFleetCommand,
  CreateTagsCommand,
  DescribeInstancesCommand,
  DescribeSubnetsCommand,
  DescribeVpcsCommand,
  EC2Client,
  paginateDescribeInstances,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeFaults } from '../../gateway/faults.ts';
import { startGateway } from '../../gateway/gateway.ts';
import { makePrincipals } from '../../gateway/principals.ts';
import { countRequests } from '../../gateway/requests.ts';
import { aPrincipal, aRole, temporaryFolder, until } from '../../testing/fixture.ts';
import type { BusEvent } from '../event-bus.ts';
import { type Ec2, openEc2 } from './index.ts';
import type { LaunchWorld } from './launches.ts';

const principals = makePrincipals(Date.now);
const events: BusEvent[] = [];
const clock = { nowMs: Date.now };
const services: Record<string, Ec2['service']> = {};
let folder: ReturnType<typeof temporaryFolder>;
let gateway: Awaited<ReturnType<typeof startGateway>>;
let client: EC2Client;
let ec2: Ec2;
let id: string;

const zones = ['us-east-1a', 'us-east-1b'];
const launchWorld: LaunchWorld = {
  launchTemplates: [
    {
      name: 'Stack-fleet',
      arn: 'arn:aws:ec2:us-east-1:000000000000:launch-template/lt-1',
      region: 'us-east-1',
      tags: {},
      tagsOf: { instance: { Name: 'Stack-fleet' } },
      securityGroupTags: {},
      imageId: 'resolve:ssm:/aws/service/linux',
      instanceType: 't4g.small',
      role: aRole(),
      canHibernate: true,
      showsTags: true,
    },
  ],
  subnets: zones.map((zone, index) => ({
    id: `subnet-${index}`,
    region: 'us-east-1',
    zone,
    tags: { of: 'fleet' },
  })),
};

const open = (stoppingMs = 0): Ec2 => {
  const opened = openEc2({
    dataDir: folder.path,
    region: 'us-east-1',
    accountId: '000000000000',
    stackName: 'Reveille',
    delays: { pendingMs: 0, bootMs: 60_000, stoppingMs },
    agentCommand: () => ['true'],
    enrollCommand: () => ['true'],
    launchWorld,
    issue: () => undefined,
    stsEndpoint: () => gateway.url,
    path: '/usr/bin:/bin',
    now: () => new Date(clock.nowMs()),
    onEvent: (event) => events.push(event),
    onChange: () => {},
  });
  services.ec2 = opened.service;
  return opened;
};
const stateNow = () => ec2.control.list()[0]?.state;
const one = () => ({ InstanceIds: [id] });

beforeAll(async () => {
  gateway = await startGateway({
    faults: makeFaults(Math.random),
    principals,
    services,
    counter: countRequests(),
    authorize: () => {},
    nowMs: Date.now,
    onFailure: () => {},
  });
  client = new EC2Client({
    region: 'us-east-1',
    endpoint: gateway.url,
    credentials: principals.issue(aPrincipal()),
    maxAttempts: 1,
  });
});
afterAll(() => gateway?.stop());
beforeEach(() => {
  folder = temporaryFolder();
  events.length = 0;
  ec2 = open();
  id = ec2.control.createStoppedInstance();
});
afterEach(async () => {
  clock.nowMs = Date.now;
  await ec2?.stop(0);
  folder?.remove();
});

describe('EC2 through its SDK', () => {
  it('starts and stops an instance, and sends the events of its states', async () => {
    const started = await client.send(new StartInstancesCommand(one()));
    expect(started.StartingInstances).toEqual([
      {
        InstanceId: id,
        CurrentState: { Code: 0, Name: 'pending' },
        PreviousState: { Code: 80, Name: 'stopped' },
      },
    ]);
    await until(() => stateNow() === 'running');
    const stopped = await client.send(new StopInstancesCommand(one()));
    expect(stopped.StoppingInstances?.[0]?.CurrentState?.Name).toBe('stopping');
    await until(() => stateNow() === 'stopped');
    expect(events.map(({ detail }) => detail)).toEqual(
      ['pending', 'running', 'stopping', 'stopped'].map((state) => ({ 'instance-id': id, state })),
    );
    expect(events[0]).toMatchObject({
      source: 'aws.ec2',
      'detail-type': 'EC2 Instance State-change Notification',
    });
  });

  it('accepts a start of a running instance and changes nothing', async () => {
    await client.send(new StartInstancesCommand(one()));
    await until(() => stateNow() === 'running');
    const again = await client.send(new StartInstancesCommand(one()));
    expect(again.StartingInstances?.[0]?.CurrentState?.Name).toBe('running');
  });

  it('describes an instance with all its fields', async () => {
    const { Reservations = [] } = await client.send(new DescribeInstancesCommand(one()));
    const instance = Reservations[0]?.Instances?.[0];
    expect(instance).toMatchObject({
      InstanceId: id,
      InstanceType: 't4g.small',
      State: { Name: 'stopped', Code: 80 },
      Tags: [{ Key: 'reveille:stack', Value: 'Reveille' }],
    });
    expect(instance?.LaunchTime).toBeInstanceOf(Date);
  });

  it('describes by filters', async () => {
    ec2.control.createStoppedInstance({ tags: { team: 'ops' } });
    const find = async (Name: string, ...Values: string[]) => {
      const { Reservations = [] } = await client.send(
        new DescribeInstancesCommand({ Filters: [{ Name, Values }] }),
      );
      return Reservations.length;
    };
    expect(await find('tag:reveille:stack', 'Reveille')).toBe(2);
    expect(await find('tag:team', 'o*')).toBe(1);
    expect(await find('instance-state-name', 'running', 'pending')).toBe(0);
    await expect(find('vpc-id', 'vpc-1')).rejects.toThrow("the filter 'vpc-id'");
  });

  it('describes by pages, and not together with ids', async () => {
    const other = ec2.control.createStoppedInstance();
    const seen: (string | undefined)[] = [];
    const pages = paginateDescribeInstances({ client, pageSize: 1 }, {});
    for await (const { Reservations = [] } of pages) {
      seen.push(
        ...Reservations.flatMap(({ Instances = [] }) => Instances.map(({ InstanceId }) => InstanceId)),
      );
      expect(Reservations).toHaveLength(1);
    }
    expect(seen.sort()).toEqual([id, other].sort());
    const both = new DescribeInstancesCommand({ ...one(), MaxResults: 1 });
    await expect(client.send(both)).rejects.toMatchObject({ name: 'InvalidParameterCombination' });
  });

  it('rejects a start while stopping', async () => {
    await ec2.stop(0);
    ec2 = open(60_000);
    await client.send(new StartInstancesCommand(one()));
    await until(() => stateNow() === 'running');
    await client.send(new StopInstancesCommand(one()));
    await expect(client.send(new StartInstancesCommand(one()))).rejects.toMatchObject({
      name: 'IncorrectInstanceState',
    });
  });

  it.each([
    ['an unknown id', ['i-0123456789abcdef0'], 'InvalidInstanceID.NotFound'],
    ['a malformed id', ['nonsense'], 'InvalidInstanceID.Malformed'],
    ['no id', [], 'MissingParameter'],
  ])('rejects %s', async (_what, InstanceIds, name) => {
    await expect(client.send(new StartInstancesCommand({ InstanceIds }))).rejects.toMatchObject({ name });
  });

  it('finds an instance only in its own region', async () => {
    const elsewhere = ec2.control.createStoppedInstance({ region: 'eu-west-1' });
    await expect(client.send(new StartInstancesCommand({ InstanceIds: [elsewhere] }))).rejects.toMatchObject({
      name: 'InvalidInstanceID.NotFound',
    });
  });

  it('names the unsupported action in its error', async () => {
    await expect(client.send(new DescribeVpcsCommand())).rejects.toThrow('DescribeVpcs');
  });

  it('names the unsupported parameter in its error', async () => {
    const unknown = new StopInstancesCommand({ ...one(), SkipOsShutdown: true });
    await expect(client.send(unknown)).rejects.toThrow('SkipOsShutdown');
  });

  it('hibernates only instances launched with hibernation enabled', async () => {
    await client.send(new StartInstancesCommand(one()));
    await until(() => stateNow() === 'running');
    const hibernate = new StopInstancesCommand({ ...one(), Hibernate: true });
    await expect(client.send(hibernate)).rejects.toMatchObject({
      name: 'UnsupportedHibernationConfiguration',
    });
  });

  it('runs, tags and terminates instances', async () => {
    const run = await client.send(
      new RunInstancesCommand({
        ImageId: 'ami-1',
        InstanceType: 't4g.micro',
        MinCount: 1,
        MaxCount: 2,
        TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'a', Value: '1' }] }],
      }),
    );
    const made = run.Instances?.map(({ InstanceId = '' }) => InstanceId) ?? [];
    expect(made).toHaveLength(2);
    await client.send(new CreateTagsCommand({ Resources: made, Tags: [{ Key: 'b', Value: '2' }] }));
    expect(ec2.control.list().find((instance) => instance.id === made[0])?.tags).toEqual({ a: '1', b: '2' });
    await client.send(new TerminateInstancesCommand({ InstanceIds: made }));
    await until(() => ec2.control.list().filter(({ state }) => state === 'terminated').length === 2);
  });

  it('fails the requested number of times with the requested error', async () => {
    ec2.control.failNext('StartInstances', 'InsufficientInstanceCapacity', 'No t4g.small is left.', 1);
    await expect(client.send(new StartInstancesCommand(one()))).rejects.toMatchObject({
      name: 'InsufficientInstanceCapacity',
    });
    await expect(client.send(new StartInstancesCommand(one()))).resolves.toBeDefined();
  });

  it('throttles the sixth start of the same moment', async () => {
    const presentMs = Date.now();
    clock.nowMs = () => presentMs;
    const starts = Array.from({ length: 6 }, () => client.send(new StartInstancesCommand(one())));
    const refused = (await Promise.allSettled(starts)).filter(({ status }) => status === 'rejected');
    expect(refused).toMatchObject([
      { reason: { name: 'RequestLimitExceeded', $metadata: { httpStatusCode: 503 } } },
    ]);
  });

  it('keeps its instances over a restart', async () => {
    await client.send(new StartInstancesCommand(one()));
    await until(() => stateNow() === 'running');
    await ec2.stop(0);
    ec2 = open();
    expect(ec2.control.list()).toMatchObject([{ id, state: 'running' }]);
  });
});

describe('fleets through the SDK', () => {
  const order = (
    clientToken: string,
    market: 'spot' | 'on-demand' = 'on-demand',
    types = ['t4g.small', 't4g.medium'],
  ) =>
    new CreateFleetCommand({
      Type: 'instant',
      ClientToken: clientToken,
      TargetCapacitySpecification: { TotalTargetCapacity: 1, DefaultTargetCapacityType: market },
      LaunchTemplateConfigs: [
        {
          LaunchTemplateSpecification: { LaunchTemplateName: 'Stack-fleet', Version: '$Latest' },
          Overrides: types.flatMap((InstanceType, Priority) =>
            ['subnet-0', 'subnet-1'].map((SubnetId) => ({
              InstanceType: InstanceType === 't4g.small' ? 't4g.small' : 't4g.medium',
              SubnetId,
              Priority,
            })),
          ),
        },
      ],
      TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'for', Value: 'me' }] }],
    });
  const launched = () => ec2.control.list().filter(({ roleName }) => roleName !== undefined);

  it('launch one instance from their launch template, and no second one for the same token', async () => {
    const { Instances = [], Errors = [] } = await client.send(order('one'));
    expect(Errors).toEqual([]);
    const [made] = Instances;
    expect(made).toMatchObject({ InstanceType: 't4g.small', Lifecycle: 'on-demand' });
    const again = await client.send(order('one'));
    expect(again.Instances?.[0]?.InstanceIds).toEqual(made?.InstanceIds);
    expect(launched()).toMatchObject([{ tags: { Name: 'Stack-fleet', for: 'me' }, market: 'on-demand' }]);
    await expect(client.send(order('one', 'spot'))).rejects.toMatchObject({
      name: 'IdempotentParameterMismatch',
    });
  });

  it('avoid types and zones without capacity, and report the shortage', async () => {
    ec2.control.setShortages([
      { instanceType: 't4g.small' },
      { instanceType: 't4g.medium', zone: 'us-east-1a' },
    ]);
    const { Instances = [], Errors = [] } = await client.send(order('two'));
    expect(Instances).toMatchObject([{ InstanceType: 't4g.medium' }]);
    expect(Errors.map(({ ErrorCode }) => ErrorCode)).toEqual(Array(3).fill('InsufficientInstanceCapacity'));
    ec2.control.setShortages([{ market: 'spot', code: 'UnfulfillableCapacity' }]);
    const none = await client.send(order('three', 'spot'));
    expect(none.Instances ?? []).toEqual([]);
    expect(none.Errors?.[0]).toMatchObject({ ErrorCode: 'UnfulfillableCapacity', Lifecycle: 'spot' });
  });

  it('launch spot instances that can be terminated but not stopped, and report them as spot', async () => {
    const { Instances = [] } = await client.send(order('four', 'spot'));
    const InstanceIds = Instances[0]?.InstanceIds ?? [];
    await until(() => launched()[0]?.state === 'running');
    const { Reservations = [] } = await client.send(new DescribeInstancesCommand({ InstanceIds }));
    expect(Reservations[0]?.Instances?.[0]?.InstanceLifecycle).toBe('spot');
    await expect(client.send(new StopInstancesCommand({ InstanceIds }))).rejects.toMatchObject({
      name: 'UnsupportedOperation',
    });
    await client.send(new TerminateInstancesCommand({ InstanceIds }));
    await until(() => launched()[0]?.state === 'terminated');
  });

  it('reject a launch from a template or subnet that does not exist', async () => {
    const { input } = order('five');
    const [config] = input.LaunchTemplateConfigs ?? [];
    const unknown = { LaunchTemplateName: 'Other', Version: '$Latest' };
    const other = { ...input, LaunchTemplateConfigs: [{ ...config, LaunchTemplateSpecification: unknown }] };
    await expect(client.send(new CreateFleetCommand(other))).rejects.toMatchObject({
      name: 'InvalidLaunchTemplateName.NotFoundException',
    });
    const many = { TotalTargetCapacity: 2, DefaultTargetCapacityType: 'spot' as const };
    await expect(
      client.send(new CreateFleetCommand({ ...input, TargetCapacitySpecification: many })),
    ).rejects.toThrow('capacity 2');
  });

  it.each(['volume', 'network-interface'] as const)('reject tags for a %s', async (ResourceType) => {
    const { input } = order('six');
    const TagSpecifications = [{ ResourceType, Tags: [{ Key: 'for', Value: 'me' }] }];
    await expect(client.send(new CreateFleetCommand({ ...input, TagSpecifications }))).rejects.toMatchObject({
      name: 'InvalidParameterValue',
      message: expect.stringContaining(ResourceType),
    });
  });

  it('find their subnets by tag', async () => {
    const find = async (value: string) => {
      const Filters = [{ Name: 'tag:of', Values: [value] }];
      const { Subnets = [] } = await client.send(new DescribeSubnetsCommand({ Filters }));
      return Subnets.map(({ SubnetId }) => SubnetId);
    };
    expect(await find('fleet')).toEqual(['subnet-0', 'subnet-1']);
    expect(await find('nobody')).toEqual([]);
  });
});
