/**
 * EC2's stand-in: instances with EC2's states, delays and errors. Each machine is the real agent as a child
 * process.
 */
import { join } from 'node:path';
import type { Credentials } from '../../gateway/principals.ts';
import type { AwsService } from '../call.ts';
import type { BusEvent } from '../event-bus.ts';
import { makeEc2Api } from './api.ts';
import { makeBuckets } from './buckets.ts';
import { type Fleet, makeFleet, type StateChange } from './fleet.ts';
import { type LaunchWorld, makeLaunches, type Shortage } from './launches.ts';
import { makeMachine } from './machine.ts';
import { startMetadata } from './metadata.ts';
import type { Delays } from './states.ts';
import { type Instance, readInstances, writeInstances } from './store.ts';

export interface StoppedInstance {
  readonly id?: string;
  readonly region?: string;
  readonly instanceType?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** Control of EC2 beside its API, for tests, the demo and the start of the stack. */
export interface Ec2Control {
  /** Creates a stopped instance as the launch template would; returns its id. */
  createStoppedInstance(given?: StoppedInstance): string;
  /** Folder that stands for the instance's disk. It holds the agent's config file, `runner.json`. */
  diskOf(id: string): string;
  list(): readonly Instance[];
  /** Starts or stops an instance as an operator would in EC2's console. */
  start(id: string): void;
  stop(id: string): void;
  terminate(id: string): void;
  /** Sets the capacity shortages for later launches of fleets. An empty list removes them all. */
  setShortages(shortages: readonly Shortage[]): void;
  /**
   * Kills only the instance's agent, with SIGKILL; returns false when none runs. The agent restarts as under
   * its systemd unit.
   */
  killAgent(id: string): boolean;
  /** Fails EC2's status checks until the instance stops. */
  impair(id: string): void;
  /** Rejects the next `times` calls of the operation with this error, as AWS would. */
  failNext(operation: string, code: string, message: string, times?: number): void;
}

export interface Ec2 {
  readonly service: AwsService;
  readonly control: Ec2Control;
  /** True if no instance was ever created, now or at an earlier start. */
  readonly isNew: boolean;
  /** Boots the instances that ran when the stack last stopped. */
  resume(): void;
  /** Stops all machines; kills agents that still run after the grace period. */
  stop(graceMs: number): Promise<void>;
  pullPlugs(): void;
}

export interface Ec2Options {
  readonly dataDir: string;
  readonly region: string;
  readonly accountId: string;
  /** Tag of operators' instances: the functions' policies require it for a start or stop. */
  readonly stackName: string;
  readonly delays: Delays;
  readonly agentCommand: (configFile: string) => readonly string[];
  /** Returns the command line that enrols an instance and writes that config file. */
  readonly enrollCommand: (configFile: string) => readonly string[];
  readonly launchWorld: LaunchWorld;
  /**
   * Issues credentials for an instance's role that expire at this epoch ms; undefined without such a role.
   */
  readonly issue: (instance: Instance, expiresAtMs: number) => Credentials | undefined;
  /** URL of STS for instances. */
  readonly stsEndpoint: () => string;
  readonly path: string;
  readonly now: () => Date;
  readonly onEvent: (event: BusEvent) => void;
  readonly onChange: (change: StateChange) => void;
}

const toEvent = ({ instance }: StateChange, accountId: string): BusEvent => ({
  source: 'aws.ec2',
  'detail-type': 'EC2 Instance State-change Notification',
  region: instance.region,
  resources: [`arn:aws:ec2:${instance.region}:${accountId}:instance/${instance.id}`],
  detail: { 'instance-id': instance.id, state: instance.state },
});

/** Opens the instances under the data folder. */
export const openEc2 = (options: Ec2Options): Ec2 => {
  const { dataDir, region, accountId, stackName, delays, agentCommand, path, now, onEvent, onChange } =
    options;
  const { enrollCommand, launchWorld, issue, stsEndpoint } = options;
  const file = join(dataDir, 'instances.json');
  const known = readInstances(file);
  const diskOf = (id: string) => join(dataDir, 'instances', id);

  /** Only instances launched by a fleet have a role. */
  const enrolmentOf = ({ id, roleName }: Instance) =>
    roleName === undefined
      ? undefined
      : {
          command: enrollCommand,
          startMetadata: async () => {
            const instance = () => fleet.list().find((one) => one.id === id);
            const { url, stop } = await startMetadata({ instance, issue, nowMs: () => now().getTime() });
            return { environment: { REVEILLE_METADATA_URL: url, AWS_ENDPOINT_URL_STS: stsEndpoint() }, stop };
          },
        };

  const fleet: Fleet = makeFleet({
    instances: known ?? [],
    delays,
    now,
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    machineOf: (instance) =>
      makeMachine({ disk: diskOf(instance.id), agentCommand, enrolment: enrolmentOf(instance), path, now }),
    save: (instances) => writeInstances(file, instances),
    onChange: (change) => {
      onChange(change);
      onEvent(toEvent(change, accountId));
    },
  });
  const instancesOf = (id: string) => fleet.list().filter((instance) => instance.id === id);
  const launches = makeLaunches(fleet, launchWorld);
  const buckets = makeBuckets(() => now().getTime());
  const api = makeEc2Api(fleet, launches, buckets, accountId);

  return {
    service: api.service,
    isNew: known === undefined,
    resume: fleet.resume,
    stop: fleet.stop,
    pullPlugs: fleet.pullPlugs,
    control: {
      diskOf,
      list: fleet.list,
      start: (id) => fleet.change(instancesOf(id), 'start'),
      stop: (id) => fleet.change(instancesOf(id), 'stop'),
      terminate: (id) => fleet.change(instancesOf(id), 'terminate'),
      setShortages: launches.setShortages,
      killAgent: fleet.killAgent,
      impair: fleet.impair,
      failNext: api.failNext,
      createStoppedInstance: (given = {}) =>
        fleet.create({
          region: given.region ?? region,
          instanceType: given.instanceType ?? 't4g.small',
          imageId: 'ami-0123456789abcdef0',
          state: 'stopped',
          tags: { 'reveille:stack': stackName, ...given.tags },
          id: given.id,
        }).id,
    },
  };
};
