/** Runs the agent (`start`): wires heartbeat, poller, idle monitor and tasks together, and ends them. */
import { createAgentApi } from './agent-api.ts';
import { createApiClient } from './api-client.ts';
import type { StartConfig } from './config.ts';
import { readAgentId } from './host/agent-id.ts';
import { watchClock } from './host/clock-skew.ts';
import { freeMiBIn, watchDisk } from './host/disk.ts';
import type { HttpTransport } from './http-transport.ts';
import type { Logger } from './logger.ts';
import { killTree } from './process/process-tree.ts';
import { findUser } from './process/run-as.ts';
import { lockWorkDir } from './process/work-dir-lock.ts';
import { createCredentials } from './queue/credentials.ts';
import { createSqsTaskQueue } from './queue/task-queue.ts';
import { readPrivateKey } from './secrets/keys.ts';
import type { Shutdown } from './shutdown.ts';
import { createResults } from './task/results.ts';
import { attendTask } from './task/task-lifecycle.ts';
import { isInWorkspaces, sweepWorkspaces } from './task/workspace.ts';
import type { Timing } from './timing.ts';
import { createWorkLoop, type LoopIntervals, loopIntervals } from './work-loop.ts';

/** Wait times of the agent. Tests shorten them. */
export interface Intervals extends LoopIntervals {
  /** Grace between SIGTERM and SIGKILL. */
  killGraceMs: number;
  /** Timeout of the last heartbeat. */
  farewellMs: number;
  /** Time to end and report tasks at the agent's end, beyond killGraceMs. */
  reportMs: number;
  /** Interval between checks for a spot notice. AWS advises 5 seconds. */
  spotNoticeMs: number;
}

export const defaultIntervals: Intervals = {
  ...loopIntervals,
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
  /** PATH that is searched for the programs of tasks. */
  path: string;
  shutdown: Shutdown;
  intervals?: Partial<Intervals>;
}

/** Resolves after an orderly end. Rejects with RunnerRefused when the API does not accept this runner. */
export const runAgent = async (options: AgentOptions): Promise<void> => {
  const { config, version, timing, log, shutdown, path } = options;
  const intervals = { ...defaultIntervals, ...options.intervals };
  const { workDir } = config;
  const privateKey = readPrivateKey(config.privateKey);
  const runAs = config.runAs === undefined ? undefined : await findUser(config.runAs);
  const over = new AbortController();
  await lockWorkDir(workDir, over.signal);
  const killed = await killTree({ isOurs: (mark) => isInWorkspaces(workDir, mark) });
  if (killed > 0) log.warn(`Ended ${killed} process(es) that a previous agent left behind`);
  await sweepWorkspaces(workDir);

  const fatal = Promise.withResolvers<never>();
  const onFatal = (error: unknown) => fatal.reject(error);
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
  const disk = watchDisk(() => freeMiBIn(workDir), config.minFreeMiB ?? 0, log);
  const queue = createSqsTaskQueue(credentials.current, options.transport, timing);

  const loop = createWorkLoop({
    api,
    queue,
    agentVersion: version,
    intervals,
    results: createResults(workDir),
    lookAtDisk: disk.look,
    shutdown,
    attend: (task, claim, reporting) =>
      attendTask(task, claim, {
        ...reporting,
        api,
        privateKey,
        workDir,
        path,
        killGraceMs: intervals.killGraceMs,
        runAs,
      }),
    renewCredentials: credentials.renew,
    onFatal,
    timing,
    log,
  });
  const { held, monitor } = loop;

  const begin = async () => {
    const first = await credentials.current();
    log.info(
      `Runner ${first.runnerId}, agent ${version}: polling ${first.settings.queueUrls.length} queue(s)`,
    );
    const started = loop.start(first.settings, over.signal);
    credentials.keepFresh(over.signal).catch(onFatal);
    await started;
    log.info('Online');
  };

  try {
    begin().catch((error: unknown) => {
      if (!shutdown.requested.aborted) onFatal(error);
    });
    await Promise.race([asked, fatal.promise]);
    log.info('Shutting down: taking no new task');
    const left = loop.leave({
      graceMs: config.shutdownGraceMs,
      reportMs: intervals.killGraceMs + intervals.reportMs,
      farewellMs: intervals.farewellMs,
    });
    await Promise.race([left, fatal.promise]);
  } catch (error) {
    monitor.stop();
    for (const task of held.list()) task.end('lost');
    throw error;
  } finally {
    over.abort();
  }
};
