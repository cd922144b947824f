/** An agent: the real poller, claimer, heartbeat and idle monitor, wired as the agent wires them, in virtual time. */
import type { AgentIdentity } from '../../lambdas/adapters/agent-tokens.ts';
import { openAgentSession } from '../../lambdas/flows/agent-session.ts';
import { claimTask } from '../../lambdas/flows/claim.ts';
import { awaitConfirmation } from '../../lambdas/flows/confirm-task.ts';
import { drain, heartbeat as takeHeartbeat } from '../../lambdas/flows/heartbeat.ts';
import { appendLog, finishTask } from '../../lambdas/flows/report.ts';
import {
  type AgentSettings,
  type ClaimResponse,
  type FinishRequest,
  heartbeatIntervalMs,
  leaseMs,
  taskPayload,
  toInstant,
} from '../../protocol/index.ts';
import type { AgentApi } from '../../runner-agent/agent-api.ts';
import { backoffMs } from '../../runner-agent/backoff.ts';
import { createClaimer } from '../../runner-agent/claim.ts';
import { createControl } from '../../runner-agent/control.ts';
import { ApiProblem, ApiUnreachable, RunnerRefused } from '../../runner-agent/errors.ts';
import { createHeartbeat } from '../../runner-agent/heartbeat.ts';
import { createHeldTasks, type EndCause, type HeldTask } from '../../runner-agent/held-tasks.ts';
import { createIdleMonitor } from '../../runner-agent/idle-monitor.ts';
import type { Logger } from '../../runner-agent/logger.ts';
import { createPoller } from '../../runner-agent/poller.ts';
import type { TaskQueue } from '../../runner-agent/task-queue.ts';
import type { Timing } from '../../runner-agent/timing.ts';
import type { ControlPlane, Platform, RunDeps } from './control-plane.ts';
import type { Execution } from './watch.ts';

export interface SimulatedAgent {
  /** Ends it as `kill -9` or the stop of its machine does. */
  kill(): void;
  isAlive(): boolean;
}

interface AgentOptions {
  readonly platform: Platform;
  readonly control: ControlPlane;
  readonly identity: AgentIdentity & { readonly agentId: string };
  /** How long a task of a payload runs. */
  readonly workMs: (script: string) => number;
  readonly onBegin: (execution: Execution) => void;
  readonly onEnd: (execution: Execution) => void;
  /** It ended by itself, for the API does not know it any more. */
  readonly onExit: () => void;
  /** It asks to go to sleep. */
  readonly onDrain: () => void;
  /** A good moment for it to be killed. */
  readonly onVulnerable: () => void;
}

const clientTimeoutMs = 10_000;
const visibilityMs = 5000;
const agentVersion = 'simulated';

/** What an agent reports of a task that ended for this cause. */
const statusAfter = {
  none: 'success',
  stopped: 'stopped',
  handed_back: 'handed_back',
  shutdown: 'lost',
  lost: 'lost',
} as const satisfies Record<EndCause | 'none', FinishRequest['status']>;

/** Nobody checks AWS credentials here. */
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
  let cutOffUntilMs = 0;
  let diskFullUntilMs = 0;
  let isKnown = false;
  const over = new AbortController();

  const timing: Timing = {
    now: time.nowMs,
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

  /** What a dead agent waits for never comes. */
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
      return call('drain', async (deps) => ({ sleep: await drain(deps, identity) }));
    },
    log: ({ lease, chunks }) =>
      call('log', async (deps) => appendLog(deps, await underLease(deps, lease), chunks)),
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

  const held = createHeldTasks({
    leaseMs,
    timing,
    onLapse: (task) => log.warn(`the lease of ${task.taskId} lapsed`),
  });

  const isProblem = (error: unknown, code: string) => error instanceof ApiProblem && error.code === code;

  /** As the agent's task lifecycle does it: a lapsed lease is renewed by a heartbeat, a lost one ends the task. */
  const withLease = async <T>(task: HeldTask, send: (lease: string) => Promise<T>): Promise<T> => {
    try {
      return await send(task.lease());
    } catch (error) {
      if (isProblem(error, 'lease_lost')) task.end('lost');
      if (!isProblem(error, 'lease_expired')) throw error;
      await heartbeat.beat();
      return send(task.lease());
    }
  };
  const untilTaken = async (task: HeldTask, send: () => Promise<void>) => {
    for (let failures = 1; !task.lost.aborted; failures++) {
      try {
        return await send();
      } catch (error) {
        if (error instanceof ApiProblem && error.code !== 'lease_expired') return;
        await timing.sleep(backoffMs(failures, chance.random()), task.lost);
      }
    }
  };

  const attend = async (task: HeldTask, claim: ClaimResponse) => {
    const payload = taskPayload.parse(JSON.parse(claim.payload));
    const execution = { taskId: task.taskId, attempt: claim.attempt, runnerId: identity.runnerId };
    if (payload.onDrain === 'hand_back') task.allowHandBack();
    onBegin(execution);
    executions.add(execution);
    const endWork = () => executions.delete(execution) && onEnd(execution);
    task.lost.addEventListener('abort', endWork, { once: true });
    const entries = [{ at: toInstant(time.nowMs()), stream: 'stdout' as const, text: 'working\n' }];
    const logged = untilTaken(task, async () => {
      const { stop } = await withLease(task, (lease) =>
        api.log({ lease, chunks: [{ seq: 0, entries }] }, task.lost),
      );
      if (stop) task.end('stopped');
    });
    await timing.sleep(options.workMs(payload.script ?? ''), task.ended);
    endWork();
    await logged;
    const status = statusAfter[task.cause() ?? 'none'];
    await untilTaken(task, () =>
      withLease(task, (lease) => api.finish({ lease, status, exitCode: 0, logChunks: 1 })),
    );
  };

  let settings: AgentSettings = { queueUrls: [], maxParallelTasks: 1 };
  const online = Promise.withResolvers<void>();
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
        if (time.nowMs() < diskFullUntilMs) heartbeat.hurry();
        return time.nowMs() >= diskFullUntilMs;
      },
      attend,
      onFatal: exit,
      timing,
      log,
    }),
    renewCredentials: async () => undefined,
    onFatal: exit,
    timing,
    log,
  });
  const monitor = createIdleMonitor({
    held,
    poller,
    idleTimeoutMs: () => settings.idleTimeoutMs,
    drain: api.drain,
    onAsleep: () => heartbeat.reconsider(),
    onFatal: exit,
    timing,
    log,
  });
  const control = createControl({ queue, onRing: () => heartbeat.hurry(), timing, log });
  const listen = () => control.listenTo(monitor.isAsleep() ? undefined : settings.controlQueueUrl);
  const apply = (given: AgentSettings) => {
    settings = given;
    poller.setQueues(settings.queueUrls);
    monitor.reconsider();
  };
  const heartbeat = createHeartbeat({
    held,
    agentVersion,
    state: async () => {
      // Full from the start, it would need a person to make room.
      if (isKnown && faults.hit('disk full')) diskFullUntilMs = time.nowMs() + chance.between(5000, 180_000);
      return time.nowMs() < diskFullUntilMs ? { lowDisk: { freeMiB: 50, neededMiB: 120 } } : {};
    },
    send: api.heartbeat,
    onAnswer: (answer, sentAtMs) => {
      if (isDead) return;
      if (answer.drain) held.handBack();
      apply(answer.settings);
      monitor.onHeartbeat(answer.drain, sentAtMs);
      listen();
      isKnown = true;
    },
    onKnown: () => !isDead && online.resolve(),
    intervalMs: () => (monitor.isAsleep() ? 5000 : held.size() > 0 ? heartbeatIntervalMs : 30_000),
    timing,
    log,
  });

  const firstSettings = async (): Promise<AgentSettings> => {
    for (let failures = 1; ; failures++) {
      try {
        return await call('credentials', async (deps) => {
          const runner = await deps.runners.get(identity.pool, identity.runnerId);
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
      } catch (error) {
        if (error instanceof RunnerRefused) throw error;
        await timing.sleep(backoffMs(failures, chance.random()));
      }
    }
  };
  const begin = async () => {
    apply(await firstSettings());
    listen();
    poller.resume();
    heartbeat.run(over.signal).catch(exit);
    void control.run(over.signal);
    await online.promise;
    monitor.start();
  };
  begin().catch(exit);

  return { kill: die, isAlive: () => !isDead };
};
