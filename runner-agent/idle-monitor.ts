/** Offers to let the instance sleep when there has been no task for long enough, and wakes up again if need be. */
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
  /** No offer before (epoch). */
  stayUntilMs(): number;
  /** Asks the API whether the runner may sleep. */
  drain(): Promise<DrainResponse>;
  onAsleep(): void;
  onFatal(error: RunnerRefused): void;
  timing: Timing;
  log: Logger;
}

export interface IdleMonitor {
  /** The runner is online: from now on it may be idle. */
  start(): void;
  /** What a heartbeat that was sent at `sentAtMs` (epoch) was answered about draining. */
  onHeartbeat(drain: boolean, sentAtMs: number): void;
  /** The idle timeout may have changed. */
  reconsider(): void;
  isAsleep(): boolean;
  stop(): void;
}

/** A runner that was woken for a task must get to fetch it, however short its idle timeout. */
const leastBeforeFirstTaskMs = 10_000;
/** Within this SQS answers a poll for messages that are there: work that waits is claimed before the runner offers to sleep. */
const leastAfterTaskMs = 1000;
/** After an offer that was not taken for work, which may be somebody else's by then. */
const retryMs = 5000;
/** After one that came too soon, at most: the idle timeout may change meanwhile. */
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

  const stayAwake = (waitMs = retryMs) => {
    if (state !== 'offering') return;
    state = 'awake';
    notBefore = timing.now() + Math.min(waitMs, longestRetryMs);
    if (!drainIsAsked) poller.resume();
    reconsider();
  };

  const offer = async () => {
    state = 'offering';
    const { slippedIn } = await poller.pause();
    if (slippedIn || held.size() > 0) return stayAwake();
    try {
      const { sleep, waitMs } = await options.drain();
      if (!sleep || state !== 'offering') return stayAwake(waitMs);
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
        // An answer from before the runner fell asleep says nothing about it.
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
