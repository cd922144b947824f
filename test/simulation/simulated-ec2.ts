/** EC2 in memory: slow, throttled and short of capacity; sometimes it stops an instance by itself. */

import type { LaunchOrder, LaunchOutcome } from '../../lambdas/adapters/fleets/launches.ts';
import type {
  InstanceFacts,
  InstanceState,
  LaunchedFacts,
} from '../../lambdas/adapters/runners/instance-facts.ts';
import type { StartAllOutcome, StartOutcome } from '../../lambdas/adapters/runners/start-instances.ts';
import { fleetsText } from '../../lambdas/core/fleets/fleets.ts';
import { type Market, toInstant } from '../../protocol/index.ts';
import type { Chance } from './chance.ts';
import type { Faults } from './faults.ts';
import { type VirtualTime, wholeSecond } from './virtual-time.ts';

interface Instance {
  readonly id: string;
  state: InstanceState;
  /** True if the instance fails a status check until it stops. */
  isImpaired: boolean;
  launchedMs: number;
  stateReason: string | undefined;
  /** Launch parameters; absent if no fleet launched the instance. */
  launch?: {
    readonly token: string;
    readonly fleet: string;
    readonly runner: string;
    readonly market: Market;
  };
  /** Increases at each change of state, so that actions planned for an earlier state do not happen. */
  life: number;
}

const off: ReadonlySet<InstanceState> = new Set(['stopped', 'terminated']);
/** Two fleets: one whose instances sleep, and one whose instances terminate. */
export const simulatedFleets = fleetsText.parse({
  stack: 'Simulated',
  fleets: [
    {
      name: 'sleepers',
      region: 'us-east-1',
      instanceTypes: ['t4g.small'],
      maxInstances: 50,
    },
    {
      name: 'spots',
      region: 'us-east-1',
      instanceTypes: ['t4g.small', 'm7g.medium'],
      spot: true,
      whenIdle: 'terminate',
      idleTimeoutMs: 90_000,
      maxInstances: 50,
    },
  ],
}).fleets;

export interface Ec2Listeners {
  onLaunch(instanceId: string, runner: string, fleet: string): void;
  onState(instanceId: string, state: InstanceState): void;
  onStart(instanceId: string): void;
  onImpaired(instanceId: string): void;
  onStop(instanceId: string): void;
}

export type SimulatedEc2 = ReturnType<typeof createSimulatedEc2>;

export const createSimulatedEc2 = (
  time: VirtualTime,
  chance: Chance,
  faults: Faults,
  listeners: Ec2Listeners,
) => {
  const instances = new Map<string, Instance>();
  const refusals = new Map<string, string>();
  let launches = 0;
  const calls = { starts: 0 };

  const factsOf = ({ id, state, launchedMs, stateReason, launch }: Instance): InstanceFacts => ({
    instanceId: id,
    state,
    instanceType: 't4g.small',
    stack: 'Reveille',
    launchedAt: launchedMs ? toInstant(wholeSecond(launchedMs)) : undefined,
    stateReason,
    market: launch?.market ?? 'on-demand',
  });
  const become = (instance: Instance, state: InstanceState, stateReason?: string) => {
    instance.state = state;
    instance.stateReason = stateReason;
    if (state === 'stopping') instance.isImpaired = false;
    instance.life += 1;
    listeners.onState(instance.id, state);
  };
  const later = (instance: Instance, ms: number, act: () => void) => {
    const { life } = instance;
    time.after(ms, () => instance.life === life && act());
  };

  const beginStopping = (instance: Instance, reason: string) => {
    become(instance, 'stopping', reason);
    later(instance, chance.between(3000, 40_000), () => become(instance, 'stopped', reason));
  };

  const beginTermination = (instance: Instance, reason: string) => {
    become(instance, 'shutting-down', reason);
    later(instance, chance.between(2000, 30_000), () => become(instance, 'terminated', reason));
  };
  /** Takes an instance back as EC2 does: terminates a fleet's spot instance, and stops any other. */
  const takeBack = (instance: Instance) => {
    const end = instance.launch?.market === 'spot' ? beginTermination : beginStopping;
    end(instance, 'Server.SpotInstanceShutdown');
  };

  const begin = (instance: Instance) => {
    become(instance, 'pending');
    instance.launchedMs = time.nowMs();
    if (faults.hit('instance fell back to stopped')) {
      const reason = 'Client.InternalError: the volume could not be decrypted';
      const isNew = instance.launch !== undefined && instance.life === 1;
      const fallen = isNew ? 'terminated' : 'stopped';
      return later(instance, chance.between(2000, 10_000), () => become(instance, fallen, reason));
    }
    const pendingMs = faults.hit('instance hung in pending')
      ? chance.between(300_000, 900_000)
      : chance.between(3000, 25_000);
    later(instance, pendingMs, () => {
      become(instance, 'running');
      if (faults.hit('instance stopped by EC2')) {
        later(instance, chance.between(1000, 200_000), () => takeBack(instance));
      }
      if (faults.hit('instance impaired'))
        later(instance, chance.between(1000, 200_000), () => {
          instance.isImpaired = true;
          listeners.onImpaired(instance.id);
        });
    });
  };

  /** EC2's buckets of StartInstances: 5 requests and 2 a second, 1,000 instances and 2 a second. */
  const buckets = { requests: 5, instances: 1000, atMs: time.nowMs() };
  const takeStart = (count: number): boolean => {
    const refilled = ((time.nowMs() - buckets.atMs) / 1000) * 2;
    buckets.atMs = time.nowMs();
    buckets.requests = Math.min(5, buckets.requests + refilled);
    buckets.instances = Math.min(1000, buckets.instances + refilled);
    calls.starts += 1;
    if (buckets.requests < 1 || buckets.instances < count) return false;
    buckets.requests -= 1;
    buckets.instances -= count;
    return true;
  };

  /** Returns the instances at fault, which fail the whole call, by id. */
  const refusedOf = (ids: readonly string[]): ReadonlyMap<string, StartOutcome> => {
    const refused = new Map<string, StartOutcome>();
    for (const id of ids) {
      const state = instances.get(id)?.state;
      const awsCode = refusals.get(id);
      if (state === undefined) {
        const detail = `The instance ID '${id}' does not exist`;
        refused.set(id, { started: false, code: 'refused', awsCode: 'InvalidInstanceID.NotFound', detail });
      } else if (state === 'stopping' || state === 'shutting-down' || state === 'terminated') {
        // EC2 reports a wrong state for both, startable later or never.
        refused.set(id, { started: false, code: 'still_stopping' });
      } else if (state === 'stopped' && awsCode !== undefined)
        refused.set(id, { started: false, code: 'refused', awsCode, detail: 'EC2 refuses it.' });
    }
    return refused;
  };

  return {
    add: (id: string) => {
      instances.set(id, {
        id,
        state: 'stopped',
        launchedMs: 0,
        stateReason: undefined,
        isImpaired: false,
        life: 0,
      });
    },
    /** Starts all or none, as EC2 does. A shortage names no instance. */
    startAll: (ids: readonly string[]): StartAllOutcome => {
      const asleep = ids.flatMap((id) => instances.get(id) ?? []).filter(({ state }) => state === 'stopped');
      if (!takeStart(ids.length) || (asleep.length > 0 && faults.hit('start throttled')))
        return { started: false, code: 'throttled' };
      const refused = refusedOf(ids);
      if (refused.size > 0) {
        const [awsCode, detail] = ['Refused', 'EC2 refuses some.'];
        return { started: false, code: 'refused', awsCode, detail, atFault: refused };
      }
      if (asleep.length > 0 && faults.hit('start refused for capacity')) {
        const awsCode = 'InsufficientInstanceCapacity';
        const detail = 'There is no capacity in this zone now.';
        const outcome: StartOutcome = { started: false, code: 'refused', awsCode, detail };
        const alone = ids.length === 1 ? ids.map((id) => [id, outcome] as const) : [];
        return { started: false, code: 'refused', awsCode, detail, atFault: new Map(alone) };
      }
      for (const instance of asleep) {
        listeners.onStart(instance.id);
        begin(instance);
      }
      return { started: true };
    },
    stop: (id: string): boolean => {
      const instance = instances.get(id);
      // EC2 does not stop a pending instance.
      if (!instance || ['pending', 'shutting-down', 'terminated'].includes(instance.state)) return false;
      if (instance.state !== 'running') return true;
      listeners.onStop(id);
      beginStopping(instance, 'Client.UserInitiatedShutdown');
      return true;
    },
    describe: (id: string): InstanceFacts | undefined => {
      if (faults.hit('describe failed')) throw new Error('ServiceUnavailable');
      const instance = instances.get(id);
      return instance && factsOf(instance);
    },
    listAwake: (): InstanceFacts[] => {
      if (faults.hit('describe failed')) throw new Error('ServiceUnavailable');
      return [...instances.values()].map(factsOf).filter(({ state }) => !off.has(state));
    },
    describeAll: (ids: readonly string[]): InstanceFacts[] => {
      if (faults.hit('describe failed')) throw new Error('ServiceUnavailable');
      return ids.flatMap((id) => instances.get(id) ?? []).map(factsOf);
    },
    listImpaired: (): string[] => {
      if (faults.hit('describe failed')) throw new Error('ServiceUnavailable');
      return [...instances.values()].filter(({ isImpaired }) => isImpaired).map(({ id }) => id);
    },
    /** Launches like CreateFleet: the same token returns the same instance. */
    launch: ({ clientToken, fleet, runner, market }: LaunchOrder): LaunchOutcome => {
      const before = [...instances.values()].find(({ launch }) => launch?.token === clientToken);
      if (faults.hit('start throttled')) throw new Error('RequestLimitExceeded');
      if (!before && faults.hit('launch refused for capacity')) {
        return {
          launched: false,
          awsCode: 'InsufficientInstanceCapacity',
          awsCodes: ['InsufficientInstanceCapacity'],
          detail: 'There is no capacity now.',
        };
      }
      const id = before?.id ?? `i-f${String(++launches).padStart(16, '0')}`;
      if (!before) {
        const launch = { token: clientToken, fleet, runner, market };
        const instance: Instance = {
          id,
          state: 'pending',
          launchedMs: 0,
          stateReason: undefined,
          launch,
          isImpaired: false,
          life: 0,
        };
        instances.set(id, instance);
        listeners.onLaunch(id, runner, fleet);
        begin(instance);
      }
      return { launched: true, instanceId: id, instanceType: 't4g.small', market };
    },
    terminate: (id: string, by: 'the stack' | 'by hand' = 'the stack'): boolean => {
      const instance = instances.get(id);
      if (!instance) return false;
      if (instance.state === 'terminated' || instance.state === 'shutting-down') return true;
      if (instance.state === 'running' && by === 'the stack') listeners.onStop(id);
      if (instance.state === 'stopped') become(instance, 'terminated');
      else beginTermination(instance, 'Client.UserInitiatedShutdown');
      return true;
    },
    listLaunched: (runner?: string): LaunchedFacts[] =>
      [...instances.values()].flatMap(({ id, state, launchedMs, launch }) => {
        const isThere = state !== 'terminated' && state !== 'shutting-down';
        if (!launch || !isThere || (runner !== undefined && launch.runner !== runner)) return [];
        const launchedAt = toInstant(launchedMs);
        const like = { instanceType: 't4g.small', stack: 'Reveille', stateReason: undefined };
        return [{ ...launch, ...like, instanceId: id, state, launchedAt }];
      }),
    /** Rejects each start of the instance, until called without a code. */
    refuseStart: (id: string, awsCode?: string) => {
      if (awsCode) refusals.set(id, awsCode);
      else refusals.delete(id);
    },
    stateOf: (id: string): InstanceState | undefined => instances.get(id)?.state,
    /** Interrupts an instance, as EC2 or its owner in the console would. */
    interrupt: (id: string) => {
      const instance = instances.get(id);
      if (instance?.state === 'running') takeBack(instance);
    },
    ids: () => [...instances.keys()],
    /** Calls of StartInstances, throttled ones included. */
    startCalls: () => calls.starts,
  };
};
