/** Simulated agent: the real work loop and the real reports of tasks, in virtual time. */
import type { AgentIdentity } from '../../lambdas/adapters/runners/agent-tokens.ts';
import { openAgentSession } from '../../lambdas/flows/runners/agent-session.ts';
import { drain, heartbeat as takeHeartbeat } from '../../lambdas/flows/runners/heartbeat.ts';
import { claimTask } from '../../lambdas/flows/tasks/claim.ts';
import { awaitConfirmation } from '../../lambdas/flows/tasks/confirm.ts';
import { appendLog, finishTask } from '../../lambdas/flows/tasks/report.ts';
import {
  type AgentSettings,
  type ClaimResponse,
  type FinishRequest,
  taskPayload,
} from '../../protocol/index.ts';
import type { AgentApi } from '../../runner-agent/agent-api.ts';
import { ApiProblem, ApiUnreachable, RunnerRefused } from '../../runner-agent/errors.ts';
import type { Logger } from '../../runner-agent/logger.ts';
import type { TaskQueue } from '../../runner-agent/queue/task-queue.ts';
import { retry } from '../../runner-agent/retry.ts';
import type { EndCause, HeldTask } from '../../runner-agent/task/held-tasks.ts';
import type { Outcome, Results } from '../../runner-agent/task/results.ts';
import { createTaskReport, type TaskReportOptions } from '../../runner-agent/task/task-report.ts';
import type { Timing } from '../../runner-agent/timing.ts';
import { createWorkLoop, loopIntervals } from '../../runner-agent/work-loop.ts';
import type { ControlPlane, Platform, RunDeps } from './control-plane.ts';
import type { Execution } from './watch.ts';

/** Results that the API has not accepted yet, by task and attempt. */
export type Disk = Map<string, Outcome>;

const resultsOn = (disk: Disk): Results => {
  const nameOf = ({ taskId, attempt }: Pick<Outcome, 'taskId' | 'attempt'>) => `${taskId}-${attempt}`;
  return {
    save: async (outcome) => void disk.set(nameOf(outcome), outcome),
    remove: async (outcome) => void disk.delete(nameOf(outcome)),
    load: async () => [...disk.values()],
  };
};

export interface SimulatedAgent {
  /** Kills the agent, like `kill -9` or a power cut. */
  kill(): void;
  /**
   * Ends the agent like SIGTERM, which systemd sends when it stops the service or the machine. Resolves when
   * it has ended.
   */
  leave(): Promise<void>;
  isAlive(): boolean;
  /** Time since when the agent is online; undefined while it is not, and once it was asked to end. */
  onlineSinceMs(): number | undefined;
}

interface AgentOptions {
  readonly platform: Platform;
  readonly control: ControlPlane;
  /** The machine's disk, which survives the agent. */
  readonly disk: Disk;
  readonly identity: AgentIdentity & { readonly agentId: string };
  /** Duration of a task by its payload. */
  readonly workMs: (script: string) => number;
  readonly onBegin: (execution: Execution) => void;
  readonly onEnd: (execution: Execution) => void;
  /** Runs when the agent ends by itself because the API does not know it. */
  readonly onExit: () => void;
  /** Runs when the agent asks to go to sleep. */
  readonly onDrain: () => void;
  /** Runs at a good moment to kill the agent. */
  readonly onVulnerable: () => void;
}

const clientTimeoutMs = 10_000;
const visibilityMs = 5000;
const agentVersion = 'simulated';
/** Timeouts of the real agent. */
const shutdownMs = { graceMs: 20_000, reportMs: 25_000, farewellMs: 2000 };

/** Status that an agent reports for a task by the cause of its end. */
const statusAfter = {
  none: 'success',
  stopped: 'stopped',
  handed_back: 'handed_back',
  shutdown: 'lost',
  lost: 'lost',
} as const satisfies Record<EndCause | 'none', FinishRequest['status']>;

/** Credentials without meaning: the simulation checks none. */
const vendCredentials = async () => ({
  accessKeyId: 'key',
  secretAccessKey: 'secret',
  sessionToken: 'token',
  expiresAt: '2027-01-01T00:00:00.000Z',
});

const never = <T>(): Promise<T> => new Promise(() => {});

export const startAgent = (options: AgentOptions): SimulatedAgent => {
  const { platform, identity, onBegin, onEnd } = options;
  const { time, chance, faults, queues, trace } = platform;
  const executions = new Set<Execution>();
  let isDead = false;
  let onlineSinceMs: number | undefined;
  let cutOffUntilMs = 0;
  let diskFullUntilMs = 0;
  const over = new AbortController();
  const shutdown = { requested: new AbortController(), immediate: new AbortController() };

  const timing: Timing = {
    now: time.nowMs,
    monotonic: time.nowMs,
    random: chance.random,
    after: (ms, act) => time.after(ms, () => !isDead && act()),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const callOff = time.after(ms, () => !isDead && resolve());
        signal?.addEventListener(
          'abort',
          () => {
            callOff();
            resolve();
          },
          { once: true },
        );
      }),
  };
  const say = (level: string) => (message: string) => {
    if (!isDead) trace(`agent ${identity.runnerId.slice(-4)} ${level}: ${message}`);
  };
  const log: Logger = { debug: () => {}, info: say('info'), warn: say('warn'), error: say('error') };

  /** Never settles for a dead agent. */
  const whileAlive = async <T>(promise: Promise<T>): Promise<T> => {
    try {
      const result = await promise;
      return isDead ? await never<T>() : result;
    } catch (error) {
      return isDead ? never<T>() : Promise.reject(error);
    }
  };

  const request = async <T>(name: string, handle: (deps: RunDeps) => Promise<T>): Promise<T> => {
    if (faults.hit('agent cut off from the API'))
      cutOffUntilMs = time.nowMs() + chance.between(5000, chance.pick([60_000, 300_000]));
    const isCutOff = time.nowMs() < cutOffUntilMs;
    await time.sleep(chance.between(2, 40));
    if (isDead) return never();
    if (isCutOff || faults.hit('request lost')) {
      await time.sleep(clientTimeoutMs);
      throw new ApiUnreachable('no answer');
    }
    const lateMs = faults.hit('request late') ? chance.between(3000, 28_000) : 0;
    if (lateMs > 0 && name === 'finish') options.onVulnerable();
    const arrived = lateMs > 0 ? time.sleep(lateMs) : Promise.resolve();
    const answered = arrived
      .then(() => options.control.api(name, handle))
      .catch((error: unknown) => {
        throw error instanceof ApiProblem || error instanceof RunnerRefused
          ? error
          : new ApiUnreachable(String(error));
      });
    const late = time.sleep(clientTimeoutMs).then(() => Promise.reject(new ApiUnreachable('timed out')));
    const answer = await Promise.race([answered, late]);
    if (faults.hit('response lost')) {
      await time.sleep(clientTimeoutMs);
      throw new ApiUnreachable('no answer');
    }
    await time.sleep(chance.between(2, 40));
    return answer;
  };
  const call = <T>(name: string, handle: (deps: RunDeps) => Promise<T>) => whileAlive(request(name, handle));

  const underLease = async (deps: RunDeps, token: string) => {
    const verified = await deps.agentTokens.verifyLease(token);
    if (verified.ok && verified.claims.runnerId === identity.runnerId) return verified.claims;
    const code = !verified.ok && verified.code === 'expired' ? 'lease_expired' : 'lease_lost';
    throw new ApiProblem(409, code, code);
  };

  const api: AgentApi = {
    claim: (body) =>
      call('claim', async (deps) => {
        const result = await claimTask(deps, identity, body);
        if (!result.ok) throw new ApiProblem(409, result.code, result.code);
        return result.claim;
      }),
    heartbeat: (body) =>
      call('heartbeat', async (deps) => {
        const answer = await takeHeartbeat(deps, identity, body);
        if (!answer) throw new RunnerRefused('The runner was removed');
        return answer;
      }),
    drain: () => {
      options.onDrain();
      return call('drain', (deps) => drain(deps, identity));
    },
    log: ({ lease, chunks }) =>
      call('log', async (deps) => {
        const stored = await appendLog(deps, await underLease(deps, lease), chunks);
        if (!stored) throw new ApiProblem(409, 'lease_lost', 'lease_lost');
        return stored;
      }),
    awaitConfirmation: (lease) =>
      call('await-confirmation', async (deps) => {
        await awaitConfirmation(deps, await underLease(deps, lease));
      }),
    finish: (body) =>
      call('finish', async (deps) => {
        const result = await finishTask(deps, await underLease(deps, body.lease), body);
        if (!result.ok) throw new ApiProblem(409, result.code, result.code);
      }),
  };

  const queue: TaskQueue = {
    receive: (queueUrl, max, signal) => whileAlive(queues.receive(queueUrl, max, visibilityMs, signal)),
    remove: async (queueUrl, receipt) => {
      await whileAlive(time.sleep(chance.between(2, 20)));
      queues.delete(queueUrl, receipt);
    },
    putBack: async (queueUrl, receipt, seconds) => {
      await whileAlive(time.sleep(chance.between(2, 20)));
      queues.hide(queueUrl, receipt, seconds * 1000);
    },
  };

  const die = () => {
    if (isDead) return;
    isDead = true;
    over.abort();
    for (const execution of executions) onEnd(execution);
    executions.clear();
  };
  const exit = (error: unknown) => {
    trace(`agent ${identity.runnerId.slice(-4)} exits: ${String(error)}`);
    die();
    options.onExit();
  };

  const attend = async (task: HeldTask, claim: ClaimResponse, reporting: TaskReportOptions) => {
    const report = createTaskReport(task, { ...reporting, finishTakesLog: claim.finishTakesLog });
    const payload = taskPayload.parse(JSON.parse(claim.payload));
    const execution = { taskId: task.taskId, attempt: claim.attempt, runnerId: identity.runnerId };
    if (payload.onDrain === 'hand_back') task.allowHandBack();
    onBegin(execution);
    executions.add(execution);
    const endWork = () => executions.delete(execution) && onEnd(execution);
    task.lost.addEventListener('abort', endWork, { once: true });
    await report.streamer.write('stdout', 'working\n');
    await timing.sleep(options.workMs(payload.script ?? ''), task.ended);
    endWork();
    await report.deliver({ status: statusAfter[task.cause() ?? 'none'], exitCode: 0 });
  };

  const loop = createWorkLoop({
    api,
    queue,
    agentVersion,
    tasksShareUser: false,
    intervals: loopIntervals,
    results: resultsOn(options.disk),
    mostTasks: () => Number.POSITIVE_INFINITY,
    lookAtDisk: async () => {
      // An agent whose disk is full from the start would need a user to free space.
      if (onlineSinceMs !== undefined && faults.hit('disk full'))
        diskFullUntilMs = time.nowMs() + chance.between(5000, 180_000);
      return time.nowMs() < diskFullUntilMs ? { freeMiB: 50, neededMiB: 120 } : undefined;
    },
    shutdown: { requested: shutdown.requested.signal, immediate: shutdown.immediate.signal },
    attend,
    renewCredentials: async () => undefined,
    onFatal: exit,
    timing,
    log,
  });

  const requestSettings = () =>
    call('credentials', async (deps): Promise<AgentSettings> => {
      const runner = await deps.runners.get(identity.pool, identity.runnerId);
      // The token is valid for these credentials only.
      if (runner?.credentialVersion !== identity.credentialVersion)
        throw new RunnerRefused('There is no such runner, or its token is another one');
      if (!runner) throw new RunnerRefused('There is no such runner');
      const answer = await deps.agentTokens.signAnswer(identity);
      const result = await openAgentSession({ ...deps, vendCredentials }, runner, {
        answer,
        agentVersion,
        agentId: identity.agentId,
        isStart: true,
      });
      if (!result.ok) throw new ApiProblem(409, result.code, result.code);
      return result.session.settings;
    });
  const begin = async () => {
    const isFinal = (error: unknown) => error instanceof RunnerRefused;
    const settings = await retry(requestSettings, { isFinal, timing, baseMs: 500, maxMs: 30_000 });
    await loop.start(settings, over.signal);
    onlineSinceMs = time.nowMs();
  };
  begin().catch(exit);

  return {
    kill: die,
    leave: async () => {
      trace(`agent ${identity.runnerId.slice(-4)} is asked to end`);
      shutdown.requested.abort();
      await loop.shutDown(shutdownMs);
      die();
    },
    isAlive: () => !isDead,
    onlineSinceMs: () => (isDead || shutdown.requested.signal.aborted ? undefined : onlineSinceMs),
  };
};
