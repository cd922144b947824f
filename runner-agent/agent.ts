/** Runs the agent (`start`): wires heartbeat, poller, idle monitor and tasks together, and ends them. */
import type { KeyObject } from 'node:crypto';
import { createAgentApi } from './agent-api.ts';
import { createApiClient } from './api-client.ts';
import type { StartConfig } from './config.ts';
import { readAgentId } from './host/agent-id.ts';
import { watchClock } from './host/clock-skew.ts';
import { freeMiBIn, watchDisk } from './host/disk.ts';
import type { HttpTransport } from './http-transport.ts';
import type { Logger } from './logger.ts';
import { killTree } from './process/process-tree.ts';
import { createSeparation, type Separation } from './process/separation.ts';
import { findPoolUsers, notSeparated } from './process/users.ts';
import { lockWorkDir } from './process/work-dir-lock.ts';
import { type Credentials, createCredentials } from './queue/credentials.ts';
import { createSqsTaskQueue } from './queue/task-queue.ts';
import { readPrivateKey } from './secrets/keys.ts';
import type { Shutdown } from './shutdown.ts';
import { type Caches, openCaches } from './task/caches.ts';
import { createResults } from './task/results.ts';
import { attendTask } from './task/task-lifecycle.ts';
import { isInWorkspaces, sweepWorkspaces } from './task/workspace.ts';
import type { Timing } from './timing.ts';
import { createWorkLoop, type LoopIntervals, loopIntervals, type WorkLoop } from './work-loop.ts';

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

/** State of one run of the agent. */
interface Run extends AgentOptions {
  intervals: Intervals;
  privateKey: KeyObject;
  /** Users for tasks and caches, if this machine has them and the agent is root. */
  separation: Separation | undefined;
  /** Aborts when the run has ended. */
  ended: AbortSignal;
  /** Ends the run: the API does not accept this runner, or the agent cannot work. */
  onFatal(error: unknown): void;
}

/** Uses the users of the installation. Without them tasks run as the agent's own user, which is logged. */
const separate = async (
  { path, log }: AgentOptions,
  onUnusable: (error: Error) => void,
): Promise<Separation | undefined> => {
  const users = await findPoolUsers();
  if (users) return createSeparation({ users, path, log, onUnusable });
  log.warn(`${notSeparated.happened}. ${notSeparated.fix}`);
  return undefined;
};

/** Locks the working folder, and removes the processes and workspaces that a previous agent left there. */
const takeWorkDir = async ({ config: { workDir }, separation, log, ended }: Run): Promise<Caches> => {
  await lockWorkDir(workDir, ended);
  const killed = await killTree({ isOurs: (mark) => isInWorkspaces(workDir, mark) });
  if (killed > 0) log.warn(`Ended ${killed} process(es) that a previous agent left behind`);
  await separation?.sweep();
  await sweepWorkspaces(workDir);
  const caches = await openCaches(workDir, separation);
  await separation?.requireAccess(workDir);
  return caches;
};

/** Creates the clients of the API and of SQS, and the credentials for both. */
const createClients = async (run: Run) => {
  const { config, version, transport, intervals, privateKey, timing, log } = run;
  const client = createApiClient({
    apiUrl: config.apiUrl,
    transport,
    userAgent: `reveille-runner/${version}`,
    onServerTime: watchClock(timing, log),
  });
  const credentials = createCredentials({
    api: client,
    token: config.token,
    privateKey,
    agentVersion: version,
    agentId: await readAgentId(config.workDir),
    leaseMs: intervals.leaseMs,
    timing,
    log,
    signal: run.ended,
  });
  const api = createAgentApi(client, credentials);
  return { api, credentials, queue: createSqsTaskQueue(credentials.current, transport, timing) };
};

type Clients = Awaited<ReturnType<typeof createClients>>;

const createLoop = (run: Run, { api, credentials, queue }: Clients, caches: Caches): WorkLoop => {
  const { privateKey, path, separation, log } = run;
  const { workDir, minFreeMiB = 0 } = run.config;
  const { killGraceMs } = run.intervals;
  return createWorkLoop({
    ...run,
    api,
    queue,
    agentVersion: run.version,
    tasksShareUser: separation === undefined,
    results: createResults(workDir),
    lookAtDisk: watchDisk(() => freeMiBIn(workDir), minFreeMiB, log).look,
    attend: (task, claim, reporting) =>
      attendTask(task, claim, {
        ...reporting,
        api,
        privateKey,
        workDir,
        path,
        killGraceMs,
        separation,
        caches,
      }),
    renewCredentials: credentials.renew,
    mostTasks: () => separation?.size() ?? Number.POSITIVE_INFINITY,
  });
};

/** Signs in, keeps the credentials fresh, and starts the loop. Never rejects. */
const goOnline = async (run: Run, credentials: Credentials, loop: WorkLoop) => {
  const { version, shutdown, ended, onFatal, log } = run;
  try {
    const { runnerId, settings } = await credentials.current();
    log.info(`Runner ${runnerId}, agent ${version}: polling ${settings.queueUrls.length} queue(s)`);
    const started = loop.start(settings, ended);
    credentials.keepFresh(ended).catch(onFatal);
    await started;
    log.info('Online');
  } catch (error) {
    if (!shutdown.requested.aborted) onFatal(error);
  }
};

const shutDown = ({ config, intervals, log }: Run, loop: WorkLoop) => {
  const { killGraceMs, reportMs, farewellMs } = intervals;
  log.info('Shutting down: taking no new task');
  return loop.shutDown({ graceMs: config.shutdownGraceMs, reportMs: killGraceMs + reportMs, farewellMs });
};

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Resolves after an orderly end. Rejects with RunnerRefused when the API does not accept this runner. */
export const runAgent = async (options: AgentOptions): Promise<void> => {
  const { config, shutdown } = options;
  const ended = new AbortController();
  const fatal = Promise.withResolvers<never>();
  const run: Run = {
    ...options,
    intervals: { ...defaultIntervals, ...options.intervals },
    privateKey: readPrivateKey(config.privateKey),
    separation: await separate(options, fatal.reject),
    ended: ended.signal,
    onFatal: fatal.reject,
  };
  const caches = await takeWorkDir(run);
  const clients = await createClients(run);
  const loop = createLoop(run, clients, caches);
  try {
    void goOnline(run, clients.credentials, loop);
    await Promise.race([untilAborted(shutdown.requested), fatal.promise]);
    await Promise.race([shutDown(run, loop), fatal.promise]);
  } catch (error) {
    loop.abandon();
    throw error;
  } finally {
    ended.abort();
  }
};
