import {
  CreateTagsCommand,
  DescribeInstancesCommand,
  DescribeVpcsCommand,
  EC2Client,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BusEvent } from '../event-bus.ts';
import { makeFaults } from '../faults.ts';
import { startGateway } from '../gateway.ts';
import { makePrincipals } from '../principals.ts';
import { countRequests } from '../requests.ts';
import { aPrincipal, temporaryFolder, until } from '../testing/fixture.ts';
import { type Ec2, openEc2 } from './index.ts';

const principals = makePrincipals(Date.now);
const events: BusEvent[] = [];
const services: Record<string, Ec2['service']> = {};
let folder: ReturnType<typeof temporaryFolder>;
let gateway: Awaited<ReturnType<typeof startGateway>>;
let client: EC2Client;
let ec2: Ec2;
let id: string;

const open = (stoppingMs = 0): Ec2 => {
  const opened = openEc2({
    dataDir: folder.path,
    region: 'us-east-1',
    accountId: '000000000000',
    delays: { pendingMs: 0, bootMs: 60_000, stoppingMs },
    agentCommand: () => ['true'],
    path: '/usr/bin:/bin',
    now: () => new Date(),
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
    authorize: async () => {},
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
afterAll(() => gateway.stop());
beforeEach(() => {
  folder = temporaryFolder();
  events.length = 0;
  ec2 = open();
  id = ec2.control.createStoppedInstance();
});
afterEach(async () => {
  await ec2.stop(0);
  folder.remove();
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

  it('starts a running instance as if nothing were to do', async () => {
    await client.send(new StartInstancesCommand(one()));
    await until(() => stateNow() === 'running');
    const again = await client.send(new StartInstancesCommand(one()));
    expect(again.StartingInstances?.[0]?.CurrentState?.Name).toBe('running');
  });

  it('describes what it has', async () => {
    const { Reservations = [] } = await client.send(new DescribeInstancesCommand(one()));
    const instance = Reservations[0]?.Instances?.[0];
    expect(instance).toMatchObject({
      InstanceId: id,
      InstanceType: 't4g.small',
      State: { Name: 'stopped', Code: 80 },
      Tags: [{ Key: 'reveille:managed', Value: 'true' }],
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
    expect(await find('tag:reveille:managed', 'true')).toBe(2);
    expect(await find('tag:team', 'o*')).toBe(1);
    expect(await find('instance-state-name', 'running', 'pending')).toBe(0);
    await expect(find('vpc-id', 'vpc-1')).rejects.toThrow("the filter 'vpc-id'");
  });

  it('refuses a start while stopping', async () => {
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
    ['what is no id', ['nonsense'], 'InvalidInstanceID.Malformed'],
    ['no id', [], 'MissingParameter'],
  ])('refuses %s', async (_what, InstanceIds, name) => {
    await expect(client.send(new StartInstancesCommand({ InstanceIds }))).rejects.toMatchObject({ name });
  });

  it('knows an instance in its own region only', async () => {
    const elsewhere = ec2.control.createStoppedInstance({ region: 'eu-west-1' });
    await expect(client.send(new StartInstancesCommand({ InstanceIds: [elsewhere] }))).rejects.toMatchObject({
      name: 'InvalidInstanceID.NotFound',
    });
  });

  it('refuses an action that it lacks, by its name', async () => {
    await expect(client.send(new DescribeVpcsCommand())).rejects.toThrow('DescribeVpcs');
  });

  it('refuses a parameter that it would leave unheeded, by its name', async () => {
    const hibernate = new StopInstancesCommand({ ...one(), Hibernate: true });
    await expect(client.send(hibernate)).rejects.toThrow('Hibernate');
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

  it('fails as it is told, as often as it is told', async () => {
    ec2.control.failNext('StartInstances', 'InsufficientInstanceCapacity', 'No t4g.small is left.', 1);
    await expect(client.send(new StartInstancesCommand(one()))).rejects.toMatchObject({
      name: 'InsufficientInstanceCapacity',
    });
    await expect(client.send(new StartInstancesCommand(one()))).resolves.toBeDefined();
  });

  it('keeps its instances over a restart', async () => {
    await client.send(new StartInstancesCommand(one()));
    await until(() => stateNow() === 'running');
    await ec2.stop(0);
    ec2 = open();
    expect(ec2.control.list()).toMatchObject([{ id, state: 'running' }]);
  });
});
