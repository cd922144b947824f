/** All instances: their states over time, their machines and their file on disk. */
import { randomBytes } from 'node:crypto';
import { AwsError } from '../call.ts';
import type { Machine } from './machine.ts';
import { type Delays, durationOf, type InstanceEvent, type StateName, transition } from './states.ts';
import type { Instance } from './store.ts';

export interface StateChange {
  readonly instance: Instance;
  readonly previous: StateName;
}

export interface Fleet {
  list(): readonly Instance[];
  create(given: NewInstance): Instance;
  /** Changes all instances or none: throws AWS's error when the state of one forbids the change. */
  change(
    instances: readonly Instance[],
    event: Exclude<InstanceEvent, 'settle'>,
    options?: { readonly hibernate: boolean },
  ): StateChange[];
  /** Kills the instance's agent; returns false when none runs. */
  killAgent(id: string): boolean;
  /** Fails EC2's status checks until the instance stops. */
  impair(id: string): void;
  tag(instance: Instance, tags: Readonly<Record<string, string>>): void;
  /** Boots the instances that ran when the stack stopped, and completes unfinished state changes. */
  resume(): void;
  /** Ends all processes. The instances keep their state for the next start. */
  stop(graceMs: number): Promise<void>;
  pullPlugs(): void;
}

export type NewInstance = Omit<Instance, 'id' | 'launchTime' | 'stateReason' | 'isHibernating'> & {
  readonly id?: string;
};

export interface FleetOptions {
  readonly instances: readonly Instance[];
  readonly delays: Delays;
  readonly now: () => Date;
  /** Schedules a function, and returns a function that cancels it. */
  readonly after: (ms: number, run: () => void) => () => void;
  readonly machineOf: (instance: Instance) => Machine;
  readonly save: (instances: readonly Instance[]) => void;
  readonly onChange: (change: StateChange) => void;
}

/** Minimum time for an agent to end, also when the instance stops without delay. */
const minimumGraceMs = 2000;

const stopReason = {
  code: 'Client.UserInitiatedShutdown',
  message: 'Client.UserInitiatedShutdown: User initiated shutdown',
};

const verbs = { start: 'started', stop: 'stopped', terminate: 'terminated' } as const;

export const makeInstanceId = (): string => `i-0${randomBytes(8).toString('hex')}`;

export const makeFleet = (options: FleetOptions): Fleet => {
  const { delays, now, after, machineOf, save, onChange } = options;
  const instances = new Map(options.instances.map((instance) => [instance.id, instance]));
  const machines = new Map<string, Machine>();
  const pending = new Map<string, () => void>();
  let stopped = false;

  const persist = () => save([...instances.values()]);
  const machine = (instance: Instance): Machine => {
    const known = machines.get(instance.id);
    if (known) return known;
    const made = machineOf(instance);
    machines.set(instance.id, made);
    return made;
  };

  const enter = (instance: Instance, state: StateName): Instance => {
    const { stateReason: _, impaired: __, isHibernating = false, ...rest } = instance;
    const hibernates = isHibernating && (state === 'stopping' || state === 'stopped');
    const ends =
      state === 'stopping' || state === 'stopped' || state === 'shutting-down' || state === 'terminated';
    const entered: Instance = {
      ...rest,
      state,
      ...(state === 'pending' && { launchTime: now().toISOString() }),
      stateReason: ends ? stopReason : undefined,
      isHibernating: hibernates || undefined,
    };
    instances.set(entered.id, entered);
    persist();
    onChange({ instance: entered, previous: instance.state });
    act(entered);
    return entered;
  };

  const settle = (id: string): void => {
    const instance = instances.get(id);
    if (!instance || stopped) return;
    const next = transition(instance.state, 'settle');
    if (typeof next === 'string' && next !== instance.state) enter(instance, next);
  };

  /** Starts the effect of a state: a boot, a shutdown, or the timer that ends the state. */
  const act = (instance: Instance): void => {
    const { id, state } = instance;
    pending.get(id)?.();
    if (state === 'running') machine(instance).powerOn(delays.bootMs);
    if (state === 'terminated') machine(instance).pullPlug();
    const durationMs = durationOf(state, delays);
    if (durationMs === undefined) return;
    const timeOver = new Promise<void>((resolve) => {
      pending.set(id, after(durationMs, resolve));
    });
    const isEnding = state === 'stopping' || state === 'shutting-down';
    const off = isEnding ? turnOff(instance, durationMs) : Promise.resolve();
    Promise.all([off, timeOver]).then(() => {
      if (instances.get(id)?.state === state) settle(id);
    });
  };

  const turnOff = async (instance: Instance, durationMs: number): Promise<void> => {
    if (instance.isHibernating) machine(instance).freeze();
    else await machine(instance).powerOff(Math.max(durationMs, minimumGraceMs));
  };

  return {
    list: () => [...instances.values()],

    create: (given) => {
      const instance: Instance = {
        ...given,
        id: given.id ?? makeInstanceId(),
        launchTime: now().toISOString(),
      };
      instances.set(instance.id, instance);
      machine(instance);
      persist();
      if (instance.state !== 'stopped') {
        onChange({ instance, previous: instance.state });
        act(instance);
      }
      return instance;
    },

    change: (wanted, event, { hibernate } = { hibernate: false }) => {
      const steps = wanted.map((instance) => {
        const next = transition(instance.state, event);
        if (typeof next !== 'string') {
          throw new AwsError(
            next.code,
            `The instance '${instance.id}' is not in a state from which it can be ${verbs[event]}.`,
          );
        }
        return { instance, next };
      });
      return steps.map(({ instance, next }) => ({
        instance:
          next === instance.state
            ? instance
            : enter(hibernate ? { ...instance, isHibernating: true } : instance, next),
        previous: instance.state,
      }));
    },

    killAgent: (id) => machines.get(id)?.killAgent() ?? false,

    impair: (id) => {
      const instance = instances.get(id);
      if (instance) instances.set(id, { ...instance, impaired: true });
      persist();
    },

    tag: (instance, tags) => {
      const current = instances.get(instance.id) ?? instance;
      instances.set(instance.id, { ...current, tags: { ...current.tags, ...tags } });
      persist();
    },

    resume: () => {
      for (const instance of instances.values()) {
        machine(instance);
        act(instance);
      }
    },

    stop: async (graceMs) => {
      stopped = true;
      for (const callOff of pending.values()) callOff();
      await Promise.all([...machines.values()].map((one) => one.powerOff(graceMs)));
    },

    pullPlugs: () => {
      stopped = true;
      for (const one of machines.values()) one.pullPlug();
    },
  };
};
