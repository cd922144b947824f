/** Tells the API which tasks the agent holds, and does what the answer says about them. */
import type { HeartbeatRequest, HeartbeatResponse } from '../protocol/agent.ts';
import { backoffMs } from './backoff.ts';
import { createChanges } from './changes.ts';
import { messageOf, RunnerRefused } from './errors.ts';
import { type Logger, sayRarely } from './logger.ts';
import type { HeldTask, HeldTasks } from './task/held-tasks.ts';
import type { Timing } from './timing.ts';

export interface HeartbeatOptions {
  held: HeldTasks;
  agentVersion: string;
  /** What the agent says of its own end, and of its disk. */
  state(): Promise<Pick<HeartbeatRequest, 'draining' | 'leaving' | 'lowDisk'>>;
  send(request: HeartbeatRequest): Promise<HeartbeatResponse>;
  /** Called with every answer that is not about a single task, and when its request was sent (epoch ms). */
  onAnswer(answer: HeartbeatResponse, sentAtMs: number): void;
  /** Called once, when the API has given up what an agent before this one held: from now on a claim finds what is free. */
  onKnown(): void;
  /** How long to the next one, by what the agent does now. */
  intervalMs(): number;
  timing: Timing;
  log: Logger;
}

export interface Heartbeat {
  /** Sends one now, after any that is under way; rejects when the API did not take it. */
  beat(): Promise<void>;
  /** Resolves when none is under way. */
  settled(): Promise<unknown>;
  /** Sends them until `signal` aborts; rejects only with RunnerRefused. */
  run(signal: AbortSignal): Promise<void>;
  /** The interval may have become shorter. */
  reconsider(): void;
  /** Has the next one sent now, and again until the API takes it. */
  hurry(): void;
}

export const createHeartbeat = (options: HeartbeatOptions): Heartbeat => {
  const { held, agentVersion, state, send, onAnswer, onKnown, intervalMs, timing, log } = options;
  const sayTrouble = sayRarely(log.warn, timing.now);
  const changes = createChanges();
  let lastSentAt = Number.NEGATIVE_INFINITY;
  let isHurried = false;
  let last: Promise<unknown> = Promise.resolve();
  let claims: number | undefined;
  /** The claims that were under way when `claims` was told. */
  let unanswered: HeldTask[] = [];

  const hurry = () => {
    isHurried = true;
    changes.announce();
  };

  const exchange = async () => {
    const present = await state();
    const sentAt = timing.now();
    lastSentAt = sentAt;
    isHurried = false;
    // A task that is only being claimed is named too, but an answer about it may be older than its claim's.
    const claimed = new Map(
      held
        .list()
        .filter((task) => task.attempt() !== undefined)
        .map((task) => [task.taskId, task]),
    );
    const named = held.list().filter((task) => task.attempt() !== undefined || task.isAskedFor());
    const tasks = named.map((task) => {
      const attempt = task.attempt();
      const { projectId, taskId } = task;
      return attempt === undefined ? { projectId, taskId } : { projectId, taskId, attempt };
    });
    const isFirst = claims === undefined;
    // Any task may be given to a claim, so until those are answered that may count in `claims`, what is not named may be ours.
    const isSure = unanswered.every((task) => task.attempt() !== undefined || !held.list().includes(task));
    const answer = await send({
      agentVersion,
      ...present,
      tasks,
      ...(claims !== undefined && isSure && { claims }),
    });
    claims = answer.claims;
    unanswered = held.list().filter((task) => task.isAskedFor() && task.attempt() === undefined);
    // Only the next one can tell that what an agent before this one held is gone.
    const isKnown = !isFirst || claims === undefined || claims === 0;
    if (!isKnown) hurry();
    for (const { taskId, lease, stop, confirmed } of answer.leases) {
      const task = claimed.get(taskId);
      if (!task || task.lost.aborted || held.get(taskId) !== task) continue;
      task.renew(lease, timing.now() - sentAt);
      if (confirmed !== undefined) task.decide(confirmed);
      if (stop) task.end('stopped');
    }
    for (const taskId of answer.lost) {
      const task = claimed.get(taskId);
      if (!task || held.get(taskId) !== task) continue;
      log.warn(`Task ${taskId} is no longer this runner's; ending it`);
      task.end('lost');
    }
    onAnswer(answer, sentAt);
    if (isKnown) onKnown();
  };

  const beat = () => {
    const next = last.then(exchange, exchange);
    last = next.catch(() => undefined);
    return next;
  };

  return {
    beat,
    settled: () => last,
    reconsider: changes.announce,
    hurry,
    run: async (signal) => {
      let failures = 0;
      while (!signal.aborted) {
        const wait =
          failures > 0
            ? backoffMs(failures, timing.random(), { baseMs: 500, maxMs: 5000 })
            : isHurried
              ? 0
              : lastSentAt + intervalMs() - timing.now();
        if (wait > 0) {
          const settled = new AbortController();
          const until = AbortSignal.any([signal, settled.signal]);
          const woken = await Promise.race([
            timing.sleep(wait, until).then(() => false),
            changes.next(until).then(() => true),
            held.changes.next(until).then(() => true),
          ]);
          settled.abort();
          if (signal.aborted || (woken && failures === 0)) continue;
        }
        try {
          await beat();
          failures = 0;
        } catch (error) {
          if (error instanceof RunnerRefused) throw error;
          if (signal.aborted) return;
          failures += 1;
          sayTrouble(`No heartbeat: ${messageOf(error)}; trying again`);
        }
      }
    },
  };
};
