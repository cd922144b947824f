/** A random run: from a seed to projects, runners, tasks and trouble, and the results. */
import { showTasks } from '../../lambdas/api/tasks/view.ts';
import { whyWaiting } from '../../lambdas/core/tasks/reason.ts';
import { routeTask } from '../../lambdas/flows/tasks/assign.ts';
import { projectId as projectIdSchema, type RunnerId, type Template } from '../../protocol/index.ts';
import { type Chance, seededChance } from './chance.ts';
import { createSimulation, type Simulation } from './simulation.ts';
import { setUp } from './workload.ts';

export interface RunResult {
  readonly seed: number;
  readonly violations: readonly string[];
  /** Last lines of the trace. */
  readonly trace: readonly string[];
  readonly tasks: number;
  readonly succeeded: number;
  readonly starts: number;
  readonly stops: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly repairs: Readonly<Record<string, number>>;
  /** Changes of status that were made. */
  readonly changes: readonly string[];
  readonly longestWaitMs: number;
  readonly longestIdleOverrunMs: number;
  /** Maximum number of other projects' tasks that overtook a project while it waited in the global pool. */
  readonly mostOvertaken: number;
  /** Maximum difference between the recorded and the true end of a session. */
  readonly latestBillMs: number;
  readonly virtualMs: number;
}

const minuteMs = 60_000;
const troubleMs = 20 * minuteMs;
/**
 * Time after the last fault: enough for retries with backoff, boot timeouts and the longest queue of tasks
 * that run one at a time.
 */
const settleMs = 180 * minuteMs;
/** Interval at which the reasons of waiting tasks are read. */
const reasonsEachMs = 5000;
const traceShown = 40000;
/** Every n-th run, projects contend for the global pool. */
const contendedEach = 8;
/** Every n-th run, many runners are woken in the same moment. */
const crowdedEach = 4;

/** Activates all runners, and adds a runner for each (project, tag) without a usable one. */
const makeServable = async (
  simulation: Simulation,
  templates: readonly Template[],
  runnerIds: readonly RunnerId[],
): Promise<void> => {
  for (const id of runnerIds) await simulation.configure(id, { active: true });
  const routes = new Map(
    templates.map(({ projectId, tag }) => [`${projectId} ${tag ?? ''}`, { projectId, tag }]),
  );
  for (const { projectId, tag } of routes.values()) {
    const { runners } = await routeTask({ runners: simulation.stores.runners }, { projectId, tag });
    const usable = runners.filter(
      ({ id, instanceId, fleet }) =>
        (instanceId ?? fleet) !== undefined || simulation.machines.of(id)?.agent?.isAlive(),
    );
    if (usable.length > 0) continue;
    await simulation.addRunner(projectId, { tags: tag ? [tag] : [], maxParallelTasks: 2 });
  }
};

/** Reads the reason of each waiting task as its user does, and checks that it is true. */
const checkReasons = (simulation: Simulation) => {
  const deps = { ...simulation.stores, now: simulation.time.now };
  const look = async () => {
    simulation.time.after(reasonsEachMs, () => void look());
    for (const item of simulation.items('tsk_')) {
      if (item.status !== 'waiting') continue;
      const record = await simulation.stores.tasks.get(
        projectIdSchema.parse(item.projectId),
        String(item.id),
      );
      const [shown] = record ? await showTasks(deps, record.projectId, [record], new Map()) : [];
      if (shown?.reason !== undefined) simulation.waiting.check(item, shown.reason);
    }
  };
  void look();
};

/** Time after which a waiting task counts as forgotten although a runner has room for it. */
const overlookedMs = { rough: 4 * minuteMs, calm: 20_000 };

const watchForOverlooked = (simulation: Simulation, boundMs: number) => {
  const overlooked = new Map<string, number>();
  const look = async () => {
    simulation.time.after(boundMs / 10, () => void look());
    const waiting = (await simulation.stores.tasks.listLive()).filter(({ status }) => status === 'waiting');
    const seen = new Set<string>();
    for (const task of waiting) {
      const limit =
        task.limitedBy && (await simulation.stores.limits.get({ ...task, ownerId: task.limitedBy }));
      if (limit && limit.max > 0 && limit.held.length >= limit.max) continue;
      const { runners } = await routeTask({ runners: simulation.stores.runners }, task);
      const free = runners.find(
        ({ id, active, status, slots, maxParallelTasks }) =>
          active &&
          status === 'online' &&
          simulation.machines.of(id)?.agent?.isAlive() &&
          (maxParallelTasks === 0 || slots.length < maxParallelTasks),
      );
      if (!free) continue;
      seen.add(task.id);
      const since = overlooked.get(task.id) ?? simulation.time.nowMs();
      overlooked.set(task.id, since);
      if (simulation.time.nowMs() - since > boundMs) {
        simulation.watch.violate(
          `task ${task.id.slice(-6)} waits although ${free.id.slice(-4)} has had room for long`,
        );
      }
    }
    for (const id of overlooked.keys()) if (!seen.has(id)) overlooked.delete(id);
  };
  void look();
};

/** Repairs that only a fault, or a rule of ours that does not hold by itself, can make necessary. */
const needsFault = [
  'lease_lapsed',
  'slotless_task',
  'boot_timed_out',
  'silent_runner_stopped',
  'runner_put_to_sleep',
  'drained_runner_stopped',
  'delivery_sent_again',
  'failed_and_left_for_later',
  'launch_done_again',
  'orphan_terminated',
];

/** Checks that without faults the reconciler repairs nothing. */
const checkNothingRepaired = (simulation: Simulation): void => {
  for (const kind of needsFault) {
    const count = simulation.control.repairs[kind];
    if (count) simulation.watch.violate(`${count} repairs without a fault: ${kind}`);
  }
  for (const item of simulation.items('tsk_')) {
    const isFine = item.status === 'stopped' || (item.status === 'success' && item.attempt === 1);
    if (!isFine) simulation.watch.violate(`task ${String(item.id).slice(-6)} ended badly without a fault`);
  }
};

export const runSeed = async (seed: number): Promise<RunResult> => {
  const chance = seededChance(seed * 31 + 17);
  const faultScale = chance.pick([0, 0.3, 1, 1, 2, 4]);
  const simulation = createSimulation({ seed, faultScale });
  const realNow = Date.now;
  // The library that verifies webhooks reads the machine's clock.
  Date.now = simulation.time.nowMs;
  try {
    return await runSimulation(simulation, chance, seed, faultScale > 0);
  } finally {
    Date.now = realNow;
  }
};

/** Every n-th run, the table contains items that no schema accepts. */
const unreadableEach = 4;

/**
 * Adds one unreadable item of each kind that the reconciler lists. Only the index refers to them, so no agent
 * requests them.
 */
const addUnreadable = ({ table }: Simulation): void => {
  for (const live of ['task', 'runner', 'delivery', 'schedule']) {
    const sk = `unreadable_${live}`;
    table.put({ pk: 'nowhere', sk, live, liveKey: `nowhere/w/${sk}` });
  }
};

const runSimulation = async (
  simulation: Simulation,
  chance: Chance,
  seed: number,
  isRough: boolean,
): Promise<RunResult> => {
  const { watch, time } = simulation;
  const beganMs = time.nowMs();
  let isSetUp = false;
  const contends = seed % contendedEach === 0;
  const isCrowded = seed % crowdedEach === 2;
  const made = setUp(simulation, chance, { isRough, troubleMs, contends, isCrowded }).then((workload) => {
    isSetUp = true;
    return workload;
  });
  await simulation.pass(10 * minuteMs, () => isSetUp);
  const { templates, runnerIds } = await made;
  if (seed % unreadableEach === 1) addUnreadable(simulation);
  checkReasons(simulation);
  if (!isRough) watchForOverlooked(simulation, overlookedMs.calm);
  await simulation.pass(troubleMs);
  simulation.faults.cease();
  // Wait until no pending action can make a runner inactive after it was made servable.
  await simulation.pass(10 * minuteMs, () => simulation.insisting() === 0);
  let isServable = false;
  const last = makeServable(simulation, templates, runnerIds).then(() => {
    isServable = true;
  });
  if (isRough) time.after(10 * minuteMs, () => watchForOverlooked(simulation, overlookedMs.rough));
  await simulation.pass(10 * minuteMs, () => isServable);
  if (watch.violations.length === 0) await last;
  let calmMs = 0;
  while (calmMs < settleMs && watch.violations.length === 0) {
    await simulation.pass(minuteMs);
    watch.checkIdleInstances();
    calmMs += minuteMs;
    if (simulation.isQuiet().length === 0) break;
  }
  if (watch.violations.length === 0) {
    for (const loud of simulation.isQuiet()) watch.violate(`not quiet long after the last fault: ${loud}`);
    for (const task of await simulation.stores.tasks.listLive()) {
      const { runners } = await routeTask({ runners: simulation.stores.runners }, task);
      simulation.trace(`task ${task.id.slice(-6)} waits: ${whyWaiting(task, runners, time.now())}`);
    }
    for (const item of simulation.items('tsk_')) {
      if (watch.ends.get(String(item.id)) !== 1)
        watch.violate(`task ${String(item.id).slice(-6)} did not end once`);
    }
  }
  simulation.bill.check(simulation.items('ses_'));
  if (!isRough) checkNothingRepaired(simulation);
  return {
    seed,
    violations: watch.violations,
    trace: watch.violations.length > 0 ? simulation.lines.slice(-traceShown) : [],
    tasks: simulation.items('tsk_').length,
    succeeded: simulation.items('tsk_').filter(({ status }) => status === 'success').length,
    starts: simulation.counts.starts,
    stops: simulation.counts.stops,
    faults: simulation.faults.counts(),
    repairs: simulation.control.repairs,
    changes: [...watch.changes],
    longestWaitMs: watch.longestWaitMs(),
    longestIdleOverrunMs: watch.longestIdleOverrunMs(),
    mostOvertaken: simulation.order.mostOvertaken(),
    latestBillMs: simulation.bill.latestMs(),
    virtualMs: time.nowMs() - beganMs,
  };
};
