/** Reports the agent's tasks to the API, and applies the answer to them. */
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
  /** State of the agent's shutdown, of its disk, and of the users of tasks. */
  state(): Promise<Pick<HeartbeatRequest, 'draining' | 'leaving' | 'lowDisk' | 'tasksShareUser'>>;
  send(request: HeartbeatRequest): Promise<HeartbeatResponse>;
  /**
   * Called with every answer that is not about a single task, and the time when its request was sent (epoch
   * ms).
   */
  onAnswer(answer: HeartbeatResponse, sentAtMs: number): void;
  /**
   * Called once, when the API has released the tasks of the previous agent: from now on a claim finds free
   * tasks.
   */
  onKnown(): void;
  /** Interval to the next heartbeat, by the agent's current work. */
  intervalMs(): number;
  timing: Timing;
  log: Logger;
}

export interface Heartbeat {
  /** Sends a heartbeat now, after any that is under way. Rejects when the API did not accept it. */
  beat(): Promise<void>;
  /** Resolves when none is under way. */
  settled(): Promise<unknown>;
  /** Sends heartbeats until `signal` aborts. Rejects only with RunnerRefused. */
  run(signal: AbortSignal): Promise<void>;
  /** Recalculates the wait: the interval may be shorter now. */
  reconsider(): void;
  /** Sends the next heartbeat now, and retries until the API accepts it. */
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
  /** Claims that were under way when the API returned `claims`. */
  let unanswered: HeldTask[] = [];

  const hurry = () => {
    isHurried = true;
    changes.announce();
  };

  const beatOnce = async () => {
    const present = await state();
    const sentAt = timing.now();
    lastSentAt = sentAt;
    isHurried = false;
    // A task that is still being claimed is named too, but an answer about it may be older than the claim's
    // answer.
    const claimed = new Map(
      held
        .list()
        .filter((task) => task.attempt() !== undefined)
        .map((task) => [task.taskId, task]),
    );
    const named = held.list().filter((task) => task.attempt() !== undefined || task.isClaimSent());
    const tasks = named.map((task) => {
      const attempt = task.attempt();
      const { projectId, taskId } = task;
      return attempt === undefined ? { projectId, taskId } : { projectId, taskId, attempt };
    });
    const isFirst = claims === undefined;
    // A claim may be given any task. Until every claim that `claims` may count is answered, an unnamed task
    // may be ours.
    const isSure = unanswered.every((task) => task.attempt() !== undefined || !held.list().includes(task));
    const answer = await send({
      agentVersion,
      ...present,
      tasks,
      claims: isSure ? claims : undefined,
    });
    claims = answer.claims;
    unanswered = held.list().filter((task) => task.isClaimSent() && task.attempt() === undefined);
    // Only the next heartbeat can confirm that the previous agent's tasks are released.
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
    const next = last.then(beatOnce, beatOnce);
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
          sayTrouble(`Heartbeat failed: ${messageOf(error)}; trying again`);
        }
      }
    },
  };
};
