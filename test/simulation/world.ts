/** A simulated world: the control plane, its AWS, the machines of the runners, and the watch over them. */

import { limitStore } from '../../lambdas/adapters/limits.ts';
import type { RunnerRecord } from '../../lambdas/adapters/runner-record.ts';
import { runnerStore } from '../../lambdas/adapters/runners.ts';
import { makeKeyPair } from '../../lambdas/adapters/sealing.ts';
import type { Item, Table } from '../../lambdas/adapters/table.ts';
import { type TaskRecord, taskStore } from '../../lambdas/adapters/tasks.ts';
import { drainRunner, resumeRunner, wakeRunner } from '../../lambdas/flows/drain-runner.ts';
import { setLimit } from '../../lambdas/flows/keep-limits.ts';
import { configureRunner, createRunner, removeRunner } from '../../lambdas/flows/runner-setup.ts';
import { startTask, stopTask } from '../../lambdas/flows/start-task.ts';
import {
  epochMs,
  type ProjectId,
  type RunnerId,
  type RunnerInput,
  runnerInput,
  type Task,
  type TaskId,
  type Template,
  template,
  toInstant,
} from '../../protocol/index.ts';
import { createBillWatch } from './bill-watch.ts';
import { seededChance } from './chance.ts';
import { createControlPlane, type Platform } from './control-plane.ts';
import { createFaults } from './faults.ts';
import { createInvoker } from './function-run.ts';
import { createOrderWatch } from './order-watch.ts';
import { type Disk, type SimulatedAgent, startAgent } from './simulated-agent.ts';
import { createSimulatedEc2 } from './simulated-ec2.ts';
import { enrollInstance } from './simulated-enrolment.ts';
import { createSimulatedQueues } from './simulated-queues.ts';
import { createSimulatedTable } from './simulated-table.ts';
import { beginningMs, createVirtualTime } from './virtual-time.ts';
import { createWatch, type Execution } from './watch.ts';

/** Makes keys once for all worlds, as nothing is encrypted here. */
const { publicKey } = makeKeyPair();
const webhookSecret = `whsec_${Buffer.from('a secret of twenty-four b').toString('base64')}`;

/** What stands behind a runner. */
export type MachineKind = 'instance' | 'always on' | 'elsewhere' | 'fleet';

export interface RunnerPlan extends Partial<RunnerInput> {
  readonly kind?: MachineKind;
}

interface Machine {
  readonly runnerId: RunnerId;
  readonly pool: ProjectId | 'global';
  readonly kind: MachineKind;
  readonly agentId: string;
  /** That its fleet launched for it. */
  readonly launched?: { readonly instanceId: string; readonly fleet: string };
  /** Of the credentials that it got by its enrolment, which it keeps while it is stopped. */
  credentialVersion?: number;
  /** Its agent never comes up. */
  isBroken: boolean;
  readonly disk: Disk;
  agent: SimulatedAgent | undefined;
  /** Grows when it is switched on or off, so that a boot that is under way then comes to nothing. */
  life: number;
}

export interface WorldOptions {
  readonly seed: number;
  /** How rough the weather is; 0 = no faults. */
  readonly faultScale: number;
}

/** What the workload may answer with another task. */
export type Happening = 'task ended' | 'runner drains' | 'instance stopping' | 'instance stopped';

export type World = ReturnType<typeof createWorld>;

const systemdRestartMs = 5000;
const traceLength = 4000;

export const createWorld = ({ seed, faultScale }: WorldOptions) => {
  const chance = seededChance(seed);
  const faults = createFaults(seededChance(seed + 7_919_993), faultScale);
  const time = createVirtualTime();
  const lines: string[] = [];
  const trace = (line: string) => {
    const seconds = ((time.nowMs() - beginningMs) / 1000).toFixed(3).padStart(9);
    lines.push(`${seconds} ${line}`);
    if (lines.length > 2 * traceLength) lines.splice(0, traceLength);
  };
  const machines = new Map<RunnerId, Machine>();
  const machineOfInstance = new Map<string, Machine>();
  const counts = { tasks: 0, starts: 0, stops: 0 };
  let instancesMade = 0;

  const listeners = new Set<(what: Happening, idleTimeoutMs: number) => void>();
  const happens = (what: Happening, runnerId: RunnerId) => {
    for (const listen of listeners) listen(what, record(runnerId)?.idleTimeoutMs ?? 0);
  };
  const watch = createWatch({
    time,
    trace,
    idleBoundMs: faultScale === 0 ? 90_000 : 15 * 60_000,
    stateOf: (instanceId) => ec2.stateOf(instanceId),
    runnerOf: (instanceId) => {
      const machine = machineOfInstance.get(instanceId);
      return machine && { instanceId, idleTimeoutMs: record(machine.runnerId)?.idleTimeoutMs ?? 0 };
    },
  });
  const order = createOrderWatch({
    time,
    violate: watch.violate,
    isOwed: (taskId) =>
      [...table.items('run_')].some(({ demand }) => demand instanceof Set && demand.has(taskId)),
    claimMs: faultScale === 0 ? 2500 : 15_000,
    turnsBetween: faultScale === 0 ? 6 : 20,
  });
  const bill = createBillWatch({
    time,
    violate: watch.violate,
    hearingMs: faultScale === 0 ? 5000 : 10 * 60_000,
  });
  const table = createSimulatedTable({
    time,
    indexDelayMs: () => (faults.hit('index late') ? chance.between(500, 8000) : chance.between(1, 150)),
    onWrite: (key, before, after) => {
      watch.onWrite(key, before, after);
      if (key.sk.startsWith('tsk_')) order.onWrite(key.sk, before, after);
      if (after?.status === 'starting' && before?.status === 'waiting') checkLimits(after);
    },
  });
  const queues = createSimulatedQueues(time, chance, faults);

  /** What people have set, and since when it holds. */
  const limits = new Map<string, { max: number; sinceMs: number }>();
  const held = new Set(['starting', 'running', 'stopping', 'waiting_confirmation', 'confirmed', 'rejected']);
  const checkLimits = (started: Item) => {
    for (const ownerId of [String(started.templateId), String(started.projectId)]) {
      const limit = limits.get(ownerId);
      if (!limit || limit.max === 0) continue;
      const { max, sinceMs } = limit;
      // What was being made at the moment when it was set is not counted.
      const counts = (item: Item) =>
        [item.templateId, item.projectId].includes(ownerId) &&
        held.has(String(item.status)) &&
        (JSON.stringify(item.limits ?? []).includes(ownerId) ||
          epochMs(String(item.createdAt)) > sinceMs + 60_000);
      const running = [...table.items('tsk_')].filter(counts).length;
      if (running > max && counts(started))
        watch.violate(`${running} of ${max} tasks of ${ownerId.slice(-6)} run at once`);
    }
  };

  /** Reads as a bystander: at once, and without faults. */
  const bystander: Table = {
    get: async (key) => table.get(key),
    batchGet: async (keys) => table.batchGet(keys),
    put: async (item, conditions) => table.put(item, conditions),
    update: async (key, update, conditions, returns) => table.update(key, update, conditions, returns),
    remove: async (key, conditions) => table.remove(key, conditions),
    query: async (query) => table.query(query),
    queryLive: async function* (kind, prefix, atMost) {
      yield* table.queryLive(kind, prefix, atMost);
    },
  };
  const stores = {
    runners: runnerStore(bystander),
    tasks: taskStore(bystander),
    limits: limitStore(bystander),
  };

  const record = (runnerId: RunnerId) => {
    const machine = machines.get(runnerId);
    const item = machine && table.get({ pk: machine.pool, sk: runnerId });
    return item && { ...item, idleTimeoutMs: Number(item.idleTimeoutMs), tags: item.tags };
  };

  const emitState = (instanceId: string, state: string) => {
    if (faults.hit('event lost')) return;
    const at = toInstant(time.nowMs());
    const tell = () => void control.onInstanceEvent(instanceId, state, at);
    const delayMs = () =>
      faults.hit('event late') ? chance.between(5000, 120_000) : chance.between(200, 1500);
    time.after(delayMs(), tell);
    if (faults.hit('event duplicated')) time.after(delayMs(), tell);
  };

  const ec2 = createSimulatedEc2(time, chance, faults, {
    onLaunch: (instanceId, launchedFor, fleet) => {
      counts.starts += 1;
      const place = [...machines.values()].find(({ runnerId }) => launchedFor.endsWith(runnerId));
      if (!place) return;
      // Each instance is a machine of its own, with its own agent; the runner's is the newest.
      const { runnerId, pool, kind, isBroken } = place;
      const machine = {
        runnerId,
        pool,
        kind,
        agentId: instanceId,
        launched: { instanceId, fleet },
        isBroken,
        disk: new Map(),
        agent: undefined,
        life: 0,
      };
      machines.set(runnerId, machine);
      machineOfInstance.set(instanceId, machine);
    },
    onStart: () => {
      counts.starts += 1;
    },
    onStop: (instanceId) => {
      counts.stops += 1;
      watch.stopAsked(instanceId);
    },
    onState: (instanceId, state) => {
      trace(`EC2: ${instanceId.slice(-4)} is ${state}`);
      bill.onState(instanceId, state);
      const machine = machineOfInstance.get(instanceId);
      if (machine && state === 'running') {
        watch.instanceRuns(instanceId);
        boot(machine);
      } else if (machine) {
        switchOff(machine);
        watch.instanceEnds(instanceId);
        if (state === 'stopping' || state === 'shutting-down') happens('instance stopping', machine.runnerId);
        if (state === 'stopped' || state === 'terminated') happens('instance stopped', machine.runnerId);
      }
      emitState(instanceId, state);
    },
  });

  const platform: Platform = {
    time,
    chance,
    faults,
    table,
    queues,
    ec2,
    trace,
    webhookTaken: watch.webhookTaken,
    invoke: createInvoker(time, chance, faults, trace),
    receiveElsewhere: (url, { body }) => {
      const machine = [...machines.values()].find(({ runnerId }) => url.endsWith(runnerId));
      if (machine?.kind !== 'elsewhere') return;
      if (body.action === 'start' && !machine.agent?.isAlive()) boot(machine);
    },
  };
  const control = createControlPlane(platform);

  /** The receiver elsewhere keeps its machine on for a while after the last task. */
  const switchOffWhenIdle = (machine: Machine) => {
    const { life } = machine;
    const look = () => {
      if (machine.life !== life) return;
      const item = table.get({ pk: machine.pool, sk: machine.runnerId });
      const isBusy = item?.slots !== undefined || item?.demand !== undefined;
      if (isBusy) return void time.after(60_000, look);
      switchOff(machine);
    };
    time.after(600_000, look);
  };

  const mayRun = ({ taskId, runnerId }: Execution): boolean => {
    const runner = record(runnerId);
    const task = [...table.items(taskId)][0];
    const machine = machines.get(runnerId);
    if (!runner || !task || !machine) return false;
    if (machine.pool !== 'global' && machine.pool !== task.projectId) return false;
    const tags = Array.isArray(runner.tags) ? runner.tags : [];
    // Its tags may be changed between the claim and this moment; those that it ever had count.
    const ever = everTags.get(runnerId) ?? new Set();
    for (const tag of tags) ever.add(String(tag));
    if (typeof task.tag === 'string') return machine.pool !== 'global' && ever.has(task.tag);
    return ever.has('') || tags.length === 0;
  };
  const everTags = new Map<RunnerId, Set<string>>();
  const rememberTags = (runnerId: RunnerId, tags: readonly string[]) => {
    const ever = everTags.get(runnerId) ?? new Set<string>();
    for (const tag of tags.length > 0 ? tags : ['']) ever.add(tag);
    everTags.set(runnerId, ever);
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
  /** An instance that a fleet launched has to enrol at its first boot. False when it is switched off meanwhile. */
  const isConfigured = async (machine: Machine): Promise<boolean> => {
    const { launched, life } = machine;
    if (!launched || machine.credentialVersion !== undefined) return true;
    const isOn = () => machine.life === life;
    const version = await enrollInstance({ platform, control, ...launched, publicKey, isOn });
    if (version === undefined || !isOn()) return false;
    machine.credentialVersion = version;
    watch.bind(machine.runnerId, launched.instanceId);
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
      onBegin: (execution) => {
        watch.begin(execution, mayRun(execution));
        for (const [instanceId, one] of machineOfInstance) if (one === machine) bill.onWork(instanceId);
      },
      onEnd: (execution) => {
        watch.end(execution);
        happens('task ended', execution.runnerId);
      },
      onDrain: () => happens('runner drains', machine.runnerId),
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
    // As that of a container without a volume.
    if (faults.hit('disk lost with the agent')) machine.disk.clear();
    if (faults.hit('agent dead for good')) return;
    time.after(systemdRestartMs, () => machine.life === life && switchOn(machine));
  };
  const haveAccidents = (machine: Machine) => {
    const { agent } = machine;
    time.after(30_000, () => {
      if (machine.agent !== agent || !agent?.isAlive()) return;
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

  let insisting = 0;
  /** People try again until the API has answered. */
  const insist = async <T>(act: () => Promise<T>): Promise<T> => {
    insisting += 1;
    for (;;) {
      try {
        const answer = await act();
        insisting -= 1;
        return answer;
      } catch (error) {
        trace(`a person tries again: ${String(error)}`);
        await time.sleep(1000);
      }
    }
  };

  const addRunner = async (
    projectId: ProjectId | undefined,
    { kind = 'instance', ...plan }: RunnerPlan = {},
  ): Promise<RunnerId> => {
    const id = control.newId('run');
    const instanceId = `i-${String(++instancesMade).padStart(17, '0')}`;
    const pool = projectId ?? 'global';
    const machine: Machine = {
      runnerId: id,
      pool,
      kind,
      agentId: id,
      isBroken: false,
      disk: new Map(),
      agent: undefined,
      life: 0,
    };
    machines.set(id, machine);
    rememberTags(id, plan.tags ?? []);
    if (kind === 'instance') {
      ec2.add(instanceId);
      machineOfInstance.set(instanceId, machine);
      watch.bind(id, instanceId);
    }
    const input = runnerInput.parse({
      name: id,
      ...(kind === 'instance' && { instanceId }),
      ...(kind === 'elsewhere' && { webhookUrl: `https://elsewhere.test/${id}` }),
      ...plan,
    });
    const made = {
      id,
      ...(kind === 'fleet' ? { publicKey: '', tokenHash: '' } : { publicKey, tokenHash: 'hash' }),
      webhookSecret,
      ...(projectId && { projectId }),
    };
    await insist(() =>
      control.api('create runner', async (deps) => {
        if (input.fleet) await deps.fleetPlaces.take(input.fleet, pool, [id], 100);
        return createRunner(deps, input, made);
      }),
    );
    if (kind === 'always on') switchOn(machine);
    return id;
  };

  const runner = (runnerId: RunnerId): Promise<RunnerRecord | undefined> =>
    stores.runners.get(machines.get(runnerId)?.pool ?? 'global', runnerId);

  const configure = async (runnerId: RunnerId, changes: Partial<RunnerInput>): Promise<void> => {
    if (changes.tags) rememberTags(runnerId, changes.tags);
    await insist(async () => {
      const before = await runner(runnerId);
      if (!before) return;
      const { name, tags, maxParallelTasks, active, idleTimeoutMs, fleet } = before;
      const { instanceId, region, webhookUrl } = before;
      const given = { name, tags, maxParallelTasks, active, idleTimeoutMs, fleet };
      const input = runnerInput.parse({ ...given, instanceId, region, webhookUrl, ...changes });
      await control.api('configure runner', (deps) => configureRunner(deps, before, input));
    });
  };

  const isQuiet = (): string[] => {
    const loud: string[] = [];
    for (const item of table.items('tsk_')) {
      if (!['success', 'error', 'stopped'].includes(String(item.status)))
        loud.push(`task ${String(item.id).slice(-6)} is ${String(item.status)}`);
    }
    for (const item of table.items('run_')) {
      if (item.slots instanceof Set)
        loud.push(`runner ${String(item.id).slice(-4)} holds ${item.slots.size} tasks`);
      if (item.demand instanceof Set)
        loud.push(`runner ${String(item.id).slice(-4)} owes ${item.demand.size} tasks`);
      const isBound = typeof (item.instanceId ?? item.fleet) === 'string';
      if (isBound && item.status !== 'stopped')
        loud.push(`runner ${String(item.id).slice(-4)} is ${String(item.status)}`);
    }
    for (const id of ec2.ids()) {
      const state = ec2.stateOf(id);
      if (state !== 'stopped' && state !== 'terminated') loud.push(`instance ${id.slice(-4)} is ${state}`);
    }
    const bound = new Set([...table.items('run_')].map(({ instanceId }) => instanceId));
    for (const { instanceId } of ec2.listLaunched()) {
      if (!bound.has(instanceId)) loud.push(`instance ${instanceId.slice(-4)} is nobody's`);
    }
    for (const item of table.items('msg_')) {
      if (item.status === 'pending')
        loud.push(`delivery ${String(item.id)} is pending: ${JSON.stringify(item.attempts)}`);
    }
    return loud;
  };

  return {
    time,
    chance,
    faults,
    table,
    queues,
    ec2,
    control,
    platform,
    watch,
    order,
    bill,
    stores,
    machines,
    counts,
    lines,
    trace,
    listeners,
    addRunner,
    runner,
    configure,
    isQuiet,
    /** How many people still try to get something done. */
    insisting: () => insisting,
    newProject: (): ProjectId => control.newId('prj'),
    removeRunner: async (runnerId: RunnerId) => {
      const found = await runner(runnerId);
      return found
        ? control.api('remove runner', (deps) => removeRunner(deps, found)).catch(() => false)
        : false;
    },
    addTemplate: (projectId: ProjectId, workMs: number, overrides: Partial<Template> = {}): Template => {
      const made = template.parse({
        id: control.newId('tpl'),
        projectId,
        name: 'work',
        app: 'bash',
        script: String(workMs),
        createdAt: time.now(),
        ...overrides,
      });
      control.templates.set(made.id, made);
      limits.set(made.id, { max: made.maxParallelTasks, sinceMs: 0 });
      return made;
    },
    /** EC2 warns of it, by a notice of two minutes or only by advice, and takes an instance back after the notice. */
    takeBack: (instanceId: string, isNotice: boolean) => {
      const kind = isNotice
        ? 'EC2 Spot Instance Interruption Warning'
        : 'EC2 Instance Rebalance Recommendation';
      void control.onInstanceEvent(instanceId, '', toInstant(time.nowMs()), kind);
      if (isNotice) time.after(120_000, () => ec2.interrupt(instanceId));
    },
    /** Its owner has it drain, and takes that back after a while. */
    drainRunner: async (runnerId: RunnerId, forMs: number): Promise<void> => {
      const draining = await insist(async () => {
        const found = await runner(runnerId);
        return found && control.api('drain runner', (deps) => drainRunner(deps, found));
      });
      if (!draining) return;
      await time.sleep(forMs);
      await insist(async () => {
        const found = await runner(runnerId);
        return found && control.api('resume runner', (deps) => resumeRunner(deps, found));
      });
    },
    /** Its owner has it woken, without a task. */
    wakeRunner: async (runnerId: RunnerId): Promise<void> => {
      await insist(async () => {
        const found = await runner(runnerId);
        return found && control.api('wake runner', (deps) => wakeRunner(deps, found));
      });
    },
    /** Somebody saves another limit. */
    limitTemplate: async (given: Template, max: number): Promise<void> => {
      limits.delete(given.id);
      const changed = { ...(control.templates.get(given.id) ?? given), maxParallelTasks: max };
      control.templates.set(given.id, changed);
      await insist(() => control.api('save template', (deps) => setLimit(deps, changed)));
      limits.set(given.id, { max, sinceMs: time.nowMs() });
    },
    limitProject: async (projectId: ProjectId, max: number): Promise<void> => {
      limits.delete(projectId);
      control.projectLimits.set(projectId, max);
      await insist(() => control.api('save project', (deps) => setLimit(deps, control.projectOf(projectId))));
      limits.set(projectId, { max, sinceMs: time.nowMs() });
    },
    startTask: (given: Template): Promise<Task | undefined> => {
      counts.tasks += 1;
      return control
        .api('start task', (deps) => startTask(deps, given.projectId, { templateId: given.id }, 'someone'))
        .catch((error: unknown) => {
          trace(`a task was not accepted: ${String(error)}`);
          return undefined;
        });
    },
    stopTask: async (projectId: ProjectId, id: TaskId): Promise<void> => {
      const found = await stores.tasks.get(projectId, id);
      if (found)
        await control.api('stop task', (deps) => stopTask(deps, found, 'someone')).catch(() => undefined);
    },
    task: (task: Pick<Task, 'projectId' | 'id'>): Promise<TaskRecord | undefined> =>
      stores.tasks.get(task.projectId, task.id),
    /** From now on the runner's agent does not come up, or comes up again. */
    breakBoot: (runnerId: RunnerId, isBroken = true) => {
      const machine = machines.get(runnerId);
      if (machine) machine.isBroken = isBroken;
    },
    /** Its machine is gone, without a word. */
    unplug: (runnerId: RunnerId) => {
      const machine = machines.get(runnerId);
      if (machine) switchOff(machine);
    },
    killAgent: (runnerId: RunnerId) => {
      const machine = machines.get(runnerId);
      if (machine) restart(machine);
    },
    /** Runs for so long, or until a violation. */
    pass: async (ms: number, until: () => boolean = () => false): Promise<void> => {
      const untilMs = time.nowMs() + ms;
      await time.run(
        untilMs,
        () => {},
        () => watch.violations.length > 0 || until(),
      );
    },
    items: (prefix: string): Item[] => [...table.items(prefix)],
    ageMs: (item: Item) => time.nowMs() - epochMs(String(item.createdAt)),
  };
};
