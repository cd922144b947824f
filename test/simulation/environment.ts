/**
 * Everything in a simulation except its users: the control plane, its AWS, the runners' machines, and
 * the checks.
 */

import { runnerStore } from '../../lambdas/adapters/runners/runners.ts';
import type { Table } from '../../lambdas/adapters/table.ts';
import { limitStore } from '../../lambdas/adapters/tasks/limits.ts';
import { lineStore } from '../../lambdas/adapters/tasks/lines.ts';
import { taskStore } from '../../lambdas/adapters/tasks/tasks.ts';
import { type RunnerId, toInstant } from '../../protocol/index.ts';
import { createBillWatch } from './bill-watch.ts';
import { seededChance } from './chance.ts';
import { createControlPlane, type Platform } from './control-plane.ts';
import { createFaults } from './faults.ts';
import { createInvoker } from './function-run.ts';
import { createLimitWatch } from './limit-watch.ts';
import { createLineWatch } from './line-watch.ts';
import { createMachines } from './machines.ts';
import { createOrderWatch } from './order-watch.ts';
import { createRouteWatch } from './route-watch.ts';
import { createSimulatedEc2 } from './simulated-ec2.ts';
import { createSimulatedQueues } from './simulated-queues.ts';
import { createSimulatedTable } from './simulated-table.ts';
import { createStartWatch } from './start-watch.ts';
import { beginningMs, createVirtualTime, wholeSecond } from './virtual-time.ts';
import { createWaitingWatch } from './waiting-watch.ts';
import { createWakeWatch } from './wake-watch.ts';
import { createWatch } from './watch.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** Fault level; 0 = no faults. */
  readonly faultScale: number;
  /** Delay of the index. @default by chance: 1 to 150 ms, or up to 8 s as a fault */
  readonly indexDelayMs?: number;
}

/** Event that the workload may answer with another task. */
export type Happening = 'task ended' | 'runner drains' | 'instance stopping' | 'instance stopped';

export type Environment = ReturnType<typeof createEnvironment>;

const traceLength = 4000;

/** True for the line of a queue, and not of a limit. */
const isQueueLine = (pk: string): boolean => pk.startsWith('line#') && !pk.startsWith('line#lim_');

export const createEnvironment = ({ seed, faultScale, indexDelayMs }: SimulationOptions) => {
  const chance = seededChance(seed);
  const faults = createFaults(seededChance(seed + 7_919_993), faultScale);
  const time = createVirtualTime();
  const lines: string[] = [];
  const trace = (line: string) => {
    const seconds = ((time.nowMs() - beginningMs) / 1000).toFixed(3).padStart(9);
    lines.push(`${seconds} ${line}`);
    if (lines.length > 2 * traceLength) lines.splice(0, traceLength);
  };
  const counts = { tasks: 0, starts: 0, stops: 0 };

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
      const machine = machines.ofInstance(instanceId);
      const item = machine && record(machine.runnerId);
      return machine && { instanceId, idleTimeoutMs: item ? item.idleTimeoutMs : 0 };
    },
  });
  const order = createOrderWatch({
    time,
    violate: watch.violate,
    hasPlace: (taskId) =>
      [...table.items('run_')].some(({ assigned }) => assigned instanceof Set && assigned.has(taskId)) ||
      [...table.items('')].some(({ pk, id }) => id === taskId && isQueueLine(String(pk))),
    claimMs: faultScale === 0 ? 2500 : 15_000,
    isIndexFarBehind: indexDelayMs !== undefined,
    turnsBetween: faultScale === 0 ? 6 : 20,
  });
  const bill = createBillWatch({
    time,
    violate: watch.violate,
    hearingMs: faultScale === 0 ? 5000 : 10 * 60_000,
  });
  const limits = createLimitWatch({
    time,
    violate: watch.violate,
    tasks: () => table.items('tsk_'),
    task: (id) => [...table.items(id)][0],
    callMs: faultScale === 0 ? 2500 : 15_000,
  });
  const routes = createRouteWatch();
  const runners = () => table.items('run_');
  const waiting = createWaitingWatch({
    time,
    violate: watch.violate,
    runners,
    limits: () => table.items('lim_'),
    hasQueue: (name) => queues.has(name),
    onlineSinceMs: (id) =>
      machines
        .all()
        .find(({ runnerId }) => runnerId === id)
        ?.agent?.onlineSinceMs(),
    // A doorbell that a full or an ending agent received stays hidden for 30 s, and its next poll takes up to
    // 20 s.
    aboutMs: faultScale === 0 ? 60_000 : 30 * 60_000,
    hearingMs: faultScale === 0 ? 5000 : 90_000,
  });
  const queueLines = createLineWatch({
    time,
    violate: watch.violate,
    task: (id) => [...table.items(id)].find(({ sk }) => sk === id),
    isOn: ({ instanceId }) => ec2.stateOf(String(instanceId)) === 'running',
  });
  const wakes = createWakeWatch({
    time,
    violate: watch.violate,
    runners,
    task: (id) => [...table.items(id)][0],
    readMs: faultScale === 0 ? 1000 : 30_000,
  });
  const startWatch = createStartWatch({
    time,
    violate: watch.violate,
    read: (key) => table.get(key),
    // With faults an invocation may be lost, and the reconciler's next pass skipped.
    boundMs: faultScale === 0 ? 10_000 : 15 * 60_000,
  });
  const table = createSimulatedTable({
    time,
    indexDelayMs: () =>
      indexDelayMs ?? (faults.hit('index late') ? chance.between(500, 8000) : chance.between(1, 150)),
    onWrite: (key, before, after) => {
      watch.onWrite(key, before, after);
      startWatch.onWrite(key, after);
      if (key.sk.startsWith('run_')) {
        if (after) waiting.onRunnerWritten(before, after);
        wakes.onWrite(before, after);
        queueLines.onRunnerWritten(before, after);
      }
      if (key.sk.startsWith('lim_')) limits.onLimitWritten(key, before, after);
      if (isQueueLine(key.pk)) queueLines.onLineWritten(key, before, after);
      else if (key.pk.startsWith('line#')) limits.onLineWritten(key, before, after);
      if (key.sk.startsWith('tsk_')) order.onWrite(key.sk, before, after);
      if (after?.status === 'starting' && before?.status === 'waiting') limits.onStarted(after);
    },
  });
  const queues = createSimulatedQueues(time, chance, faults);

  /** Reads as an observer: without delay or faults. */
  const bystander: Table = {
    reportUnreadable: ({ message }) => trace(`skipped. ${message}`),
    get: async (key) => table.get(key),
    batchGet: async (keys) => table.batchGet(keys),
    put: async (item, conditions) => table.put(item, conditions),
    update: async (key, update, conditions, returns) => table.update(key, update, conditions, returns),
    remove: async (key, conditions) => table.remove(key, conditions),
    transact: async (writes) => table.transact(writes),
    query: async (query) => table.query(query),
    queryLive: async function* (kind, prefix, atMost) {
      yield* table.queryLive(kind, prefix, atMost);
    },
  };
  const stores = {
    runners: runnerStore(bystander),
    tasks: taskStore(bystander),
    limits: limitStore(bystander),
    lines: lineStore(bystander),
  };

  const record = (runnerId: RunnerId) => {
    const machine = machines.of(runnerId);
    const item = machine && table.get({ pk: machine.pool, sk: runnerId });
    const idleTimeoutMs = item?.idleTimeoutMs === undefined ? undefined : Number(item.idleTimeoutMs);
    return item && { ...item, idleTimeoutMs, tags: item.tags };
  };

  const emitState = (instanceId: string, state: string) => {
    if (faults.hit('event lost')) return;
    const at = toInstant(wholeSecond(time.nowMs()));
    const tell = () => void control.onInstanceEvent(instanceId, state, at);
    const delayMs = () =>
      faults.hit('event late') ? chance.between(5000, 120_000) : chance.between(200, 1500);
    time.after(delayMs(), tell);
    if (faults.hit('event duplicated')) time.after(delayMs(), tell);
  };

  const ec2 = createSimulatedEc2(time, chance, faults, {
    onImpaired: (instanceId) => {
      const machine = machines.ofInstance(instanceId);
      if (machine) waiting.asked(machine.runnerId);
    },
    onLaunch: (instanceId, launchedFor, fleet) => {
      counts.starts += 1;
      const place = machines.all().find(({ runnerId }) => launchedFor.endsWith(runnerId));
      if (!place) return;
      // Each instance is a machine with its own agent; the runner's is the newest.
      const { runnerId, pool, kind, isBroken } = place;
      const launched = { instanceId, fleet };
      machines.add({ runnerId, pool, kind, isBroken, launched, agentId: instanceId }, instanceId);
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
      const machine = machines.ofInstance(instanceId);
      if (machine && state === 'running') {
        watch.instanceRuns(instanceId);
        machines.boot(machine);
      } else if (machine && (state === 'stopping' || state === 'shutting-down')) {
        machines.shutDown(machine);
        watch.instanceEnds(instanceId);
        happens('instance stopping', machine.runnerId);
      } else if (machine) {
        machines.switchOff(machine);
        watch.instanceEnds(instanceId);
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
      const machine = machines.all().find(({ runnerId }) => url.endsWith(runnerId));
      if (machine?.kind !== 'elsewhere') return;
      if (body.action === 'start' && !machine.agent?.isAlive()) machines.boot(machine);
    },
  };
  const control = createControlPlane(platform);

  const machines = createMachines({
    platform,
    control,
    onEnrolled: watch.bind,
    onBegin: (execution, machine) => {
      const [task] = table.items(execution.taskId);
      const isThere = task !== undefined && record(execution.runnerId) !== undefined;
      watch.begin(execution, isThere && routes.mayRun(task, machine));
      for (const instanceId of machines.instancesOf(machine)) bill.onWork(instanceId);
    },
    onEnd: (execution) => {
      watch.end(execution);
      happens('task ended', execution.runnerId);
    },
    onDrain: (runnerId) => happens('runner drains', runnerId),
  });

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
    limits,
    routes,
    waiting,
    stores,
    machines,
    counts,
    lines,
    trace,
    listeners,
  };
};
