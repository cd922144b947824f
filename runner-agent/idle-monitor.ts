/** Offers to let the instance sleep after an idle time without tasks, and wakes up again if needed. */
import type { DrainResponse } from '../protocol/agent.ts';
import { messageOf, RunnerRefused } from './errors.ts';
import type { Logger } from './logger.ts';
import type { Poller } from './queue/poller.ts';
import type { HeldTasks } from './task/held-tasks.ts';
import type { Timing } from './timing.ts';

export interface IdleMonitorOptions {
  held: HeldTasks;
  poller: Pick<Poller, 'pause' | 'resume'>;
  /** Undefined = never offer. */
  idleTimeoutMs(): number | undefined;
  /** Time before which the monitor makes no offer (epoch ms). */
  stayUntilMs(): number;
  /** Asks the API whether the runner may sleep. */
  drain(): Promise<DrainResponse>;
  onAsleep(): void;
  onFatal(error: RunnerRefused): void;
  timing: Timing;
  log: Logger;
}

export interface IdleMonitor {
  /** Starts counting: the runner is online and may be idle. */
  start(): void;
  /** Applies the drain flag in the answer to a heartbeat that was sent at `sentAtMs` (epoch). */
  onHeartbeat(drain: boolean, sentAtMs: number): void;
  /** Recalculates: the idle timeout may have changed. */
  reconsider(): void;
  isAsleep(): boolean;
  stop(): void;
}

/**
 * Shortest stay after a wake: the runner must be able to fetch the task that woke it, however short its idle
 * timeout.
 */
const leastBeforeFirstTaskMs = 10_000;
/**
 * Shortest stay after a task. SQS answers a poll for existing messages within this time, so waiting work is
 * claimed before the offer.
 */
const leastAfterTaskMs = 1000;
/** Delay after an offer that the API refused because of work, which another runner may take. */
const retryMs = 5000;
/** Longest delay after an offer that came too soon: the idle timeout may change in the meantime. */
const longestRetryMs = 30_000;

export const createIdleMonitor = (options: IdleMonitorOptions): IdleMonitor => {
  const { held, poller, timing, log } = options;
  let state: 'off' | 'awake' | 'offering' | 'asleep' = 'off';
  let awakeSince = 0;
  let drainIsAsked = false;
  let notBefore = 0;
  let asleepSince = 0;
  let callOff = () => {};

  const dueAt = () => {
    if (drainIsAsked) return notBefore;
    const timeoutMs = options.idleTimeoutMs();
    if (timeoutMs === undefined) return undefined;
    const finishedAt = held.lastFinishedAt();
    const hasWorked = finishedAt !== undefined && finishedAt >= awakeSince;
    const idleAt = hasWorked
      ? finishedAt + Math.max(timeoutMs, leastAfterTaskMs)
      : awakeSince + Math.max(timeoutMs, leastBeforeFirstTaskMs);
    return Math.max(idleAt, options.stayUntilMs(), notBefore);
  };

  const reconsider = () => {
    callOff();
    if (state !== 'awake' || held.size() > 0) return;
    const due = dueAt();
    if (due === undefined) return;
    if (due <= timing.now()) void offer();
    else callOff = timing.after(due - timing.now(), reconsider);
  };

  const stayAwake = ({ waitMs = retryMs, next }: Partial<DrainResponse> = {}) => {
    if (state !== 'offering') return;
    state = 'awake';
    notBefore = timing.now() + Math.min(waitMs, longestRetryMs);
    if (!drainIsAsked) poller.resume(next);
    reconsider();
  };

  const offer = async () => {
    state = 'offering';
    const { slippedIn } = await poller.pause();
    if (slippedIn || held.size() > 0) return stayAwake();
    try {
      const answer = await options.drain();
      if (!answer.sleep || state !== 'offering') return stayAwake(answer);
      state = 'asleep';
      asleepSince = timing.now();
      log.info('Nothing to do: this runner may sleep now');
      options.onAsleep();
    } catch (error) {
      if (error instanceof RunnerRefused) return options.onFatal(error);
      log.warn(`Cannot offer to sleep: ${messageOf(error)}`);
      stayAwake();
    }
  };

  const wake = () => {
    state = 'awake';
    awakeSince = timing.now();
    notBefore = 0;
    log.info('Awake again');
    poller.resume();
    reconsider();
  };

  const stopped = new AbortController();
  const followHeldTasks = async () => {
    while (!stopped.signal.aborted) {
      await held.changes.next(stopped.signal);
      reconsider();
    }
  };

  return {
    start: () => {
      state = 'awake';
      awakeSince = timing.now();
      void followHeldTasks();
      if (drainIsAsked) void poller.pause();
      else poller.resume();
      reconsider();
    },
    onHeartbeat: (drain, sentAtMs) => {
      const wasAsked = drainIsAsked;
      if (state === 'asleep') {
        // An answer to a heartbeat from before the runner fell asleep does not count.
        if (!drain && sentAtMs > asleepSince) {
          drainIsAsked = false;
          wake();
        }
        return;
      }
      drainIsAsked = drain;
      if (state === 'off' || drain === wasAsked) return;
      if (drain) {
        log.info('Asked to drain: taking no new task');
        void poller.pause().then(reconsider);
      } else {
        if (state === 'awake') poller.resume();
        reconsider();
      }
    },
    reconsider,
    isAsleep: () => state === 'asleep',
    stop: () => {
      state = 'off';
      callOff();
      stopped.abort();
    },
  };
};
