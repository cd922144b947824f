/** EC2's stand-in: instances with EC2's states, delays and errors, whose machine is the real agent as a child process. */
import { join } from 'node:path';
import type { Credentials } from '../../gateway/principals.ts';
import type { AwsService } from '../call.ts';
import type { BusEvent } from '../event-bus.ts';
import { makeEc2Api } from './api.ts';
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

/** What tests, the demo and a start of the stack do with EC2 beside its API. */
export interface Ec2Control {
  /** An instance as the launch template makes it, stopped; gives its id. */
  createStoppedInstance(given?: StoppedInstance): string;
  /** The folder that stands for the instance's disk; the agent's config file is `runner.json` in it. */
  diskOf(id: string): string;
  list(): readonly Instance[];
  /** Starts and stops it as somebody at EC2's console would. */
  start(id: string): void;
  stop(id: string): void;
  terminate(id: string): void;
  /** What fleets cannot be launched from now on; an empty list: everything can. */
  setShortages(shortages: readonly Shortage[]): void;
  /** `kill -9` of the agent on it, and of nothing else; false when none runs. It starts again as its systemd unit does. */
  killAgent(id: string): boolean;
  /** From now on it fails EC2's status checks, until it stops. */
  impair(id: string): void;
  /** The next `times` calls of the operation are refused with this error, as if AWS had. */
  failNext(operation: string, code: string, message: string, times?: number): void;
}

export interface Ec2 {
  readonly service: AwsService;
  readonly control: Ec2Control;
  /** Nobody has made an instance yet, here or at an earlier start. */
  readonly isNew: boolean;
  /** Boots what was running when the stack was stopped last. */
  resume(): void;
  /** Agents have the grace to end; then they are ended. */
  stop(graceMs: number): Promise<void>;
  pullPlugs(): void;
}

export interface Ec2Options {
  readonly dataDir: string;
  readonly region: string;
  readonly accountId: string;
  /** What the instances of operators are tagged with: the functions' policies ask for it before they may start or stop one. */
  readonly stackName: string;
  readonly delays: Delays;
  readonly agentCommand: (configFile: string) => readonly string[];
  /** The command line that enrols an instance and writes that config file. */
  readonly enrollCommand: (configFile: string) => readonly string[];
  readonly launchWorld: LaunchWorld;
  /** Credentials of an instance's role, good until then (epoch ms); undefined when there is no such role. */
  readonly issue: (instance: Instance, expiresAtMs: number) => Credentials | undefined;
  /** Where instances find STS. */
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

  /** Those with a role were launched by a fleet. */
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
  const api = makeEc2Api(fleet, launches, accountId);

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
          ...(given.id !== undefined && { id: given.id }),
        }).id,
    },
  };
};
