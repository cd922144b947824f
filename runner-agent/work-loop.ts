/**
 * Wires the agent's parts: heartbeat, poller, claims, idle monitor and control, over the API and the queues.
 */
import {
  type AgentSettings,
  type ClaimResponse,
  type HeartbeatResponse,
  heartbeatIntervalMs,
  leaseMs,
} from '../protocol/agent.ts';
import type { DiskShortage } from '../protocol/runner.ts';
import type { AgentApi } from './agent-api.ts';
import { createHeartbeat } from './heartbeat.ts';
import { createIdleMonitor } from './idle-monitor.ts';
import type { Logger } from './logger.ts';
import { createClaimer } from './queue/claim.ts';
import { createControl } from './queue/control.ts';
import { createPoller } from './queue/poller.ts';
import type { TaskQueue } from './queue/task-queue.ts';
import { endTasks, type Shutdown } from './shutdown.ts';
import { createHeldTasks, type HeldTask } from './task/held-tasks.ts';
import { deliverOutcome } from './task/task-lifecycle.ts';
import type { TaskReportOptions } from './task/task-report.ts';
import type { Timing } from './timing.ts';

export interface LoopIntervals {
  /** Time that a task's lease lasts without a heartbeat. */
  readonly leaseMs: number;
  /** Interval of heartbeats while tasks are held or the runner drains. */
  readonly busyHeartbeatMs: number;
  readonly idleHeartbeatMs: number;
  readonly asleepHeartbeatMs: number;
}

export const loopIntervals: LoopIntervals = {
  leaseMs,
  busyHeartbeatMs: heartbeatIntervalMs,
  idleHeartbeatMs: 30_000,
  asleepHeartbeatMs: 5000,
};

export interface WorkLoopOptions {
  readonly api: Pick<AgentApi, 'claim' | 'heartbeat' | 'drain' | 'log' | 'finish'>;
  readonly queue: TaskQueue;
  readonly agentVersion: string;
  /** Tasks run as the agent's own user. */
  readonly tasksShareUser: boolean;
  readonly intervals: LoopIntervals;
  readonly results: TaskReportOptions['results'];
  /** Undefined when there is room for a task. */
  lookAtDisk(): Promise<DiskShortage | undefined>;
  /** Once it is requested, heartbeats report it, and their answers are ignored. */
  readonly shutdown: Shutdown;
  /** Runs the task of a claim to its end. Never rejects. */
  attend(task: HeldTask, claim: ClaimResponse, reporting: TaskReportOptions): Promise<void>;
  renewCredentials(): Promise<unknown>;
  /** Most tasks that this machine can run at a time. */
  mostTasks(): number;
  /** Called when the API does not accept this runner. */
  onFatal(error: unknown): void;
  readonly timing: Timing;
  readonly log: Logger;
}

export interface ShutdownTimes {
  /** Time that running tasks may continue. */
  readonly graceMs: number;
  /** Time to end and report them after that. */
  readonly reportMs: number;
  /** Timeout of the last heartbeat. */
  readonly farewellMs: number;
}

export interface WorkLoop {
  /**
   * Delivers the results of a previous agent, and applies these settings. Resolves when the runner is online.
   */
  start(settings: AgentSettings, signal: AbortSignal): Promise<void>;
  /**
   * Ends the work after a shutdown was requested: takes no new task, lets running tasks finish in time, and
   * says goodbye to the API.
   */
  shutDown(options: ShutdownTimes): Promise<void>;
  /** Ends the work without a report: the API does not accept this runner. */
  abandon(): void;
}

export const createWorkLoop = (options: WorkLoopOptions): WorkLoop => {
  const { api, queue, intervals, lookAtDisk, shutdown, onFatal, timing, log } = options;
  const online = Promise.withResolvers<void>();
  const held = createHeldTasks({
    leaseMs: intervals.leaseMs,
    timing,
    onLapse: (task) => log.error(`No heartbeat succeeded within the lease: giving up task ${task.taskId}`),
  });
  let settings: AgentSettings = { queueUrls: [], maxParallelTasks: 1 };
  let stayUntilMs = 0;
  /** True once the API has answered a heartbeat. */
  let isKnown = false;
  let isLeaving = false;
  let ended: AbortSignal | undefined;

  const reporting: TaskReportOptions = {
    api,
    beat: () => heartbeat.beat(),
    results: options.results,
    timing,
    log,
  };

  /**
   * Holds the stored results without a lease. The first heartbeat names them and gets a lease, or learns that
   * they are lost.
   */
  const resume = async () => {
    for (const outcome of await options.results.load()) {
      const task = held.add(outcome.projectId, outcome.taskId);
      task.settle();
      task.grant(outcome.attempt, '', 0);
      void online.promise
        .then(() => deliverOutcome(task, outcome, reporting))
        .finally(() => held.remove(task));
    }
  };

  const poller = createPoller({
    queue,
    held,
    // For the API, 0 = no limit.
    maxParallelTasks: () =>
      Math.min(settings.maxParallelTasks || Number.POSITIVE_INFINITY, options.mostTasks()),
    claim: createClaimer({
      api,
      held,
      online: online.promise,
      heartbeatSettled: () => heartbeat.settled(),
      hasRoom: async () => {
        const shortage = await lookAtDisk();
        if (shortage) heartbeat.hurry();
        return shortage === undefined;
      },
      attend: (task, claim) => options.attend(task, claim, reporting),
      onFatal,
      timing,
      log,
    }),
    renewCredentials: options.renewCredentials,
    onFatal,
    timing,
    log,
  });

  const monitor = createIdleMonitor({
    held,
    poller,
    idleTimeoutMs: () => settings.idleTimeoutMs,
    stayUntilMs: () => stayUntilMs,
    drain: api.drain,
    onAsleep: () => heartbeat.reconsider(),
    onFatal,
    timing,
    log,
  });

  const control = createControl({ queue, onRing: () => heartbeat.hurry(), timing, log });

  const apply = (given: AgentSettings) => {
    settings = given;
    stayUntilMs = timing.now() + (given.stayMs ?? 0);
    poller.setQueues(settings.queueUrls);
    monitor.reconsider();
  };

  /** Stops listening while asleep: the instance is about to stop, so nothing is urgent. */
  const listen = () => control.listenTo(monitor.isAsleep() ? undefined : settings.controlQueueUrl);

  const heartbeat = createHeartbeat({
    held,
    agentVersion: options.agentVersion,
    state: async () => {
      const lowDisk = await lookAtDisk();
      return {
        draining: shutdown.requested.aborted || undefined,
        leaving: isLeaving || undefined,
        lowDisk,
        tasksShareUser: options.tasksShareUser || undefined,
      };
    },
    send: api.heartbeat,
    onAnswer: (answer: HeartbeatResponse, sentAtMs) => {
      if (shutdown.requested.aborted || ended?.aborted) return;
      if (answer.drain) held.handBack();
      apply(answer.settings);
      monitor.onHeartbeat(answer.drain, sentAtMs);
      listen();
      isKnown = true;
    },
    onKnown: online.resolve,
    intervalMs: () => {
      if (monitor.isAsleep()) return intervals.asleepHeartbeatMs;
      return held.size() > 0 ? intervals.busyHeartbeatMs : intervals.idleHeartbeatMs;
    },
    timing,
    log,
  });

  return {
    start: async (first, signal) => {
      ended = signal;
      await resume();
      apply(first);
      listen();
      // The long poll opens while the first heartbeat is under way. A claim waits for the answer.
      poller.resume();
      heartbeat.run(signal).catch(onFatal);
      void control.run(signal);
      await online.promise;
      monitor.start();
    },
    shutDown: async ({ graceMs, reportMs, farewellMs }) => {
      monitor.stop();
      await poller.stop();
      await endTasks({ held, shutdown, announce: () => heartbeat.beat(), graceMs, reportMs, timing, log });
      isLeaving = true;
      if (isKnown) await Promise.race([heartbeat.beat().catch(() => undefined), timing.sleep(farewellMs)]);
    },
    abandon: () => {
      monitor.stop();
      for (const task of held.list()) task.end('lost');
    },
  };
};
