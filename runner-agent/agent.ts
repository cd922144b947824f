/** The agent at work (`start`): wires heartbeat, poller, idle monitor and tasks together, and ends them. */
import {
  type AgentSettings,
  type HeartbeatResponse,
  heartbeatIntervalMs,
  leaseMs,
} from '../protocol/agent.ts';
import { createAgentApi } from './agent-api.ts';
import { readAgentId } from './agent-id.ts';
import { createApiClient } from './api-client.ts';
import { createClaimer } from './claim.ts';
import { watchClock } from './clock-skew.ts';
import type { StartConfig } from './config.ts';
import { createControl } from './control.ts';
import { createCredentials } from './credentials.ts';
import { freeMiBIn, watchDisk } from './disk.ts';
import { createHeartbeat } from './heartbeat.ts';
import { createHeldTasks } from './held-tasks.ts';
import type { HttpTransport } from './http-transport.ts';
import { createIdleMonitor } from './idle-monitor.ts';
import { readPrivateKey } from './keys.ts';
import type { Logger } from './logger.ts';
import { createPoller } from './poller.ts';
import { killTree } from './process-tree.ts';
import { createResults } from './results.ts';
import { findUser } from './run-as.ts';
import { endTasks, type Shutdown } from './shutdown.ts';
import { attendTask, deliverOutcome } from './task-lifecycle.ts';
import { createSqsTaskQueue } from './task-queue.ts';
import type { Timing } from './timing.ts';
import { lockWorkDir } from './work-dir-lock.ts';
import { isInWorkspaces, sweepWorkspaces } from './workspace.ts';

/** The waits of the agent; tests shorten them. */
export interface Intervals {
  leaseMs: number;
  /** Heartbeats while tasks are held or the runner drains. */
  busyHeartbeatMs: number;
  idleHeartbeatMs: number;
  asleepHeartbeatMs: number;
  /** Between SIGTERM and SIGKILL. */
  killGraceMs: number;
  /** For the last heartbeat. */
  farewellMs: number;
  /** For ending and reporting tasks at the agent's own end, beyond killGraceMs. */
  reportMs: number;
  /** Between two looks for a spot notice. AWS advises 5 seconds. */
  spotNoticeMs: number;
}

export const defaultIntervals: Intervals = {
  leaseMs,
  busyHeartbeatMs: heartbeatIntervalMs,
  idleHeartbeatMs: 30_000,
  asleepHeartbeatMs: 5000,
  killGraceMs: 10_000,
  farewellMs: 2000,
  reportMs: 15_000,
  spotNoticeMs: 5000,
};

export interface AgentOptions {
  config: StartConfig;
  version: string;
  transport: HttpTransport;
  timing: Timing;
  log: Logger;
  /** Where the programs of tasks are looked for. */
  path: string;
  shutdown: Shutdown;
  intervals?: Partial<Intervals>;
}

/** Resolves after an orderly end; rejects with RunnerRefused when the API does not accept this runner. */
export const runAgent = async (options: AgentOptions): Promise<void> => {
  const { config, version, timing, log, shutdown, path } = options;
  const intervals = { ...defaultIntervals, ...options.intervals };
  const { workDir } = config;
  const privateKey = readPrivateKey(config.privateKey);
  const runAs = config.runAs === undefined ? undefined : await findUser(config.runAs);
  const over = new AbortController();
  await lockWorkDir(workDir, over.signal);
  const killed = await killTree({ isOurs: (mark) => isInWorkspaces(workDir, mark) });
  if (killed > 0) log.warn(`Ended ${killed} process(es) that an agent before this one had left behind`);
  await sweepWorkspaces(workDir);

  const fatal = Promise.withResolvers<never>();
  const onFatal = (error: unknown) => fatal.reject(error);
  const online = Promise.withResolvers<void>();
  const asked = new Promise<void>((resolve) => {
    if (shutdown.requested.aborted) resolve();
    shutdown.requested.addEventListener('abort', () => resolve(), { once: true });
  });

  const client = createApiClient({
    apiUrl: config.apiUrl,
    transport: options.transport,
    userAgent: `reveille-runner/${version}`,
    onServerTime: watchClock(timing, log),
  });
  const credentials = createCredentials({
    api: client,
    token: config.token,
    privateKey,
    agentVersion: version,
    agentId: await readAgentId(workDir),
    leaseMs: intervals.leaseMs,
    timing,
    log,
    signal: over.signal,
  });
  const api = createAgentApi(client, credentials);
  const held = createHeldTasks({
    leaseMs: intervals.leaseMs,
    timing,
    onLapse: (task) => log.error(`No heartbeat got through for too long: giving up task ${task.taskId}`),
  });
  const disk = watchDisk(() => freeMiBIn(workDir), config.minFreeMiB ?? 0, log);
  const queue = createSqsTaskQueue(credentials.current, options.transport, timing);
  let isOnline = false;
  let isLeaving = false;
  let settings: AgentSettings = { queueUrls: [], maxParallelTasks: 1 };

  const reporting = { api, beat: () => heartbeat.beat(), results: createResults(workDir), timing, log };

  /** Held again under no lease, so that the first heartbeat names them and brings one, or says that they are lost. */
  const resume = async () => {
    for (const outcome of await reporting.results.load()) {
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
    maxParallelTasks: () => settings.maxParallelTasks,
    claim: createClaimer({
      api,
      held,
      online: online.promise,
      heartbeatSettled: () => heartbeat.settled(),
      hasRoom: async () => {
        const shortage = await disk.look();
        if (shortage) heartbeat.hurry();
        return shortage === undefined;
      },
      attend: (task, claim) =>
        attendTask(task, claim, {
          ...reporting,
          privateKey,
          workDir,
          path,
          killGraceMs: intervals.killGraceMs,
          runAs,
        }),
      onFatal,
      timing,
      log,
    }),
    renewCredentials: credentials.renew,
    onFatal,
    timing,
    log,
  });

  const monitor = createIdleMonitor({
    held,
    poller,
    idleTimeoutMs: () => settings.idleTimeoutMs,
    drain: api.drain,
    onAsleep: () => heartbeat.reconsider(),
    onFatal,
    timing,
    log,
  });

  const control = createControl({ queue, onRing: () => heartbeat.hurry(), timing, log });

  const apply = (newSettings: AgentSettings) => {
    settings = newSettings;
    poller.setQueues(settings.queueUrls);
    monitor.reconsider();
  };

  /** Asleep it is about to be stopped: nobody has anything to tell it in a hurry. */
  const listen = () => control.listenTo(monitor.isAsleep() ? undefined : settings.controlQueueUrl);

  const farewell = () => {
    if (!shutdown.requested.aborted) return {};
    return isLeaving ? { draining: true, leaving: true } : { draining: true };
  };
  const state = async () => {
    const lowDisk = await disk.look();
    return { ...farewell(), ...(lowDisk && { lowDisk }) };
  };

  const heartbeat = createHeartbeat({
    held,
    agentVersion: version,
    state,
    send: api.heartbeat,
    onAnswer: (answer: HeartbeatResponse, sentAtMs) => {
      if (over.signal.aborted || shutdown.requested.aborted) return;
      if (answer.drain) held.handBack();
      apply(answer.settings);
      monitor.onHeartbeat(answer.drain, sentAtMs);
      listen();
      isOnline = true;
    },
    onKnown: online.resolve,
    intervalMs: () => {
      if (monitor.isAsleep()) return intervals.asleepHeartbeatMs;
      return held.size() > 0 ? intervals.busyHeartbeatMs : intervals.idleHeartbeatMs;
    },
    timing,
    log,
  });

  const begin = async () => {
    const first = await credentials.current();
    log.info(
      `Runner ${first.runnerId}, agent ${version}: polling ${first.settings.queueUrls.length} queue(s)`,
    );
    await resume();
    apply(first.settings);
    listen();
    // The long poll opens while the first heartbeat is on its way; a claim waits for the answer.
    poller.resume();
    heartbeat.run(over.signal).catch(onFatal);
    credentials.keepFresh(over.signal).catch(onFatal);
    void control.run(over.signal);
    await online.promise;
    monitor.start();
    log.info('Online');
  };

  try {
    begin().catch((error: unknown) => {
      if (!shutdown.requested.aborted) onFatal(error);
    });
    await Promise.race([asked, fatal.promise]);
    log.info('Shutting down: taking no new task');
    monitor.stop();
    await poller.stop();
    const reportMs = intervals.killGraceMs + intervals.reportMs;
    const announce = () => heartbeat.beat();
    const ending = endTasks({
      held,
      shutdown,
      announce,
      graceMs: config.shutdownGraceMs,
      reportMs,
      timing,
      log,
    });
    await Promise.race([ending, fatal.promise]);
    isLeaving = true;
    if (isOnline)
      await Promise.race([heartbeat.beat().catch(() => undefined), timing.sleep(intervals.farewellMs)]);
  } catch (error) {
    monitor.stop();
    for (const task of held.list()) task.end('lost');
    throw error;
  } finally {
    over.abort();
  }
};
