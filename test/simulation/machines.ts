/** Machines of runners: they boot, and their agents work, die and restart. */
import type { ProjectId, RunnerId } from '../../protocol/index.ts';
import type { ControlPlane, Platform } from './control-plane.ts';
import { type Disk, type SimulatedAgent, startAgent } from './simulated-agent.ts';
import { enrollInstance } from './simulated-enrolment.ts';
import type { Execution } from './watch.ts';

/** Kind of a runner's machine. */
export type MachineKind = 'instance' | 'always on' | 'elsewhere' | 'fleet';

export interface Machine {
  readonly runnerId: RunnerId;
  readonly pool: ProjectId | 'global';
  readonly kind: MachineKind;
  readonly agentId: string;
  /** Instance that the fleet launched for the runner. */
  readonly launched?: { readonly instanceId: string; readonly fleet: string };
  /** Version of the credentials from the enrolment; kept while the instance is stopped. */
  credentialVersion?: number;
  /** True if the agent never starts. */
  isBroken: boolean;
  readonly disk: Disk;
  agent: SimulatedAgent | undefined;
  /** Increases at each power change, so that a boot in progress has no further effect. */
  life: number;
}

type Plan = Pick<Machine, 'runnerId' | 'pool' | 'kind' | 'agentId'> &
  Partial<Pick<Machine, 'launched' | 'isBroken'>>;

interface Options {
  readonly platform: Platform;
  readonly control: ControlPlane;
  /** Reports the enrolment of an instance that a fleet launched. */
  readonly onEnrolled: (runnerId: RunnerId, instanceId: string) => void;
  readonly onBegin: (execution: Execution, machine: Machine) => void;
  readonly onEnd: (execution: Execution) => void;
  readonly onDrain: (runnerId: RunnerId) => void;
}

const systemdRestartMs = 5000;

export const createMachines = (options: Options) => {
  const { platform, control } = options;
  const { time, chance, faults, table, trace } = platform;
  const byRunner = new Map<RunnerId, Machine>();
  const byInstance = new Map<string, Machine>();

  /** Switches the machine off after an idle time, as the receiver of its webhooks does. */
  const switchOffWhenIdle = (machine: Machine) => {
    const { life } = machine;
    const look = () => {
      if (machine.life !== life) return;
      const item = table.get({ pk: machine.pool, sk: machine.runnerId });
      const isBusy = item?.slots !== undefined || item?.assigned !== undefined;
      if (isBusy) return void time.after(60_000, look);
      switchOff(machine);
    };
    time.after(600_000, look);
  };

  const boot = (machine: Machine) => {
    if (machine.isBroken || faults.hit('agent never started')) return;
    machine.life += 1;
    const { life } = machine;
    const begin = async () => {
      if (await isConfigured(machine)) switchOn(machine);
    };
    time.after(chance.between(2000, 15_000), () => machine.life === life && void begin());
  };

  /**
   * Enrols a fleet's instance at its first boot. Returns false when the machine is switched off meanwhile.
   */
  const isConfigured = async (machine: Machine): Promise<boolean> => {
    const { launched, life } = machine;
    if (!launched || machine.credentialVersion !== undefined) return true;
    const isOn = () => machine.life === life;
    const version = await enrollInstance({ platform, control, ...launched, isOn });
    if (version === undefined || !isOn()) return false;
    machine.credentialVersion = version;
    options.onEnrolled(machine.runnerId, launched.instanceId);
    return true;
  };

  const switchOn = (machine: Machine) => {
    machine.agent?.kill();
    machine.agent = startAgent({
      platform,
      control,
      disk: machine.disk,
      identity: {
        pool: machine.pool,
        runnerId: machine.runnerId,
        agentId: machine.agentId,
        credentialVersion: machine.credentialVersion,
      },
      workMs: (script) => Number(script),
      onBegin: (execution) => options.onBegin(execution, machine),
      onEnd: options.onEnd,
      onDrain: () => options.onDrain(machine.runnerId),
      onVulnerable: () => {
        if (chance.happens(0.5)) time.after(chance.between(0, 3000), () => restart(machine));
      },
      onExit: () => {
        machine.agent = undefined;
      },
    });
    if (machine.kind === 'elsewhere') switchOffWhenIdle(machine);
    haveAccidents(machine);
  };

  const restart = (machine: Machine) => {
    if (!machine.agent?.isAlive()) return;
    const { life } = machine;
    machine.agent.kill();
    // Like the disk of a container without a volume.
    if (faults.hit('disk lost with the agent')) machine.disk.clear();
    if (faults.hit('agent dead for good')) return;
    time.after(systemdRestartMs, () => machine.life === life && switchOn(machine));
  };

  /** Shuts the operating system down, which ends its services first. */
  const shutDown = (machine: Machine) => {
    const { agent } = machine;
    machine.life += 1;
    if (!agent?.isAlive()) return;
    if (faults.hit('power cut')) agent.kill();
    else void agent.leave();
  };

  /** Restarts the agent like `systemctl restart`. */
  const restartOrderly = async (machine: Machine) => {
    const { agent, life } = machine;
    await agent?.leave();
    if (machine.life === life && machine.agent === agent) switchOn(machine);
  };

  const haveAccidents = (machine: Machine) => {
    const { agent } = machine;
    time.after(30_000, () => {
      if (machine.agent !== agent || !agent?.isAlive()) return;
      if (faults.hit('agent restarted')) return void restartOrderly(machine);
      if (!faults.hit('agent killed')) return haveAccidents(machine);
      trace(`the agent of ${machine.runnerId.slice(-4)} is killed`);
      restart(machine);
    });
  };

  const switchOff = (machine: Machine) => {
    machine.life += 1;
    machine.agent?.kill();
    machine.agent = undefined;
  };

  return {
    /** Adds a machine for its runner, in place of the previous one. */
    add: (plan: Plan, instanceId: string | undefined): Machine => {
      const machine = { isBroken: false, disk: new Map(), agent: undefined, life: 0, ...plan };
      byRunner.set(plan.runnerId, machine);
      if (instanceId !== undefined) byInstance.set(instanceId, machine);
      return machine;
    },
    of: (runnerId: RunnerId): Machine | undefined => byRunner.get(runnerId),
    ofInstance: (instanceId: string): Machine | undefined => byInstance.get(instanceId),
    instancesOf: (machine: Machine): string[] =>
      [...byInstance].filter(([, one]) => one === machine).map(([instanceId]) => instanceId),
    all: (): Machine[] => [...byRunner.values()],
    boot,
    switchOn,
    shutDown,
    switchOff,
    restart,
  };
};
