/** Long-polls the runner's queues while a slot is free, and passes each doorbell on to be claimed. */
import { type Doorbell, doorbell } from '../../protocol/doorbell.ts';
import { backoffMs } from '../backoff.ts';
import { createChanges } from '../changes.ts';
import { messageOf, RunnerRefused } from '../errors.ts';
import { type Logger, sayRarely } from '../logger.ts';
import type { HeldTask, HeldTasks } from '../task/held-tasks.ts';
import type { Timing } from '../timing.ts';
import { isCredentialsError, type QueueMessage, type TaskQueue } from './task-queue.ts';

/**
 * Outcome of a doorbell: it is removed, or it rings again. `another`: a task that is to start before the one
 * that rang was claimed, and the doorbell keeps ringing for its own task, which waits.
 */
export type ClaimOutcome = 'claimed' | 'another' | 'gone' | 'later';

/** Fields of a doorbell beyond its task. */
export type ClaimHint = Omit<Doorbell, 'projectId' | 'taskId'>;

export interface PollerOptions {
  queue: TaskQueue;
  held: HeldTasks;
  /** Infinity = no limit. */
  maxParallelTasks(): number;
  /** Takes over the task. Its slot is already taken, and the callee frees it in any case. */
  claim(task: HeldTask, hint: ClaimHint): Promise<ClaimOutcome>;
  renewCredentials(): Promise<unknown>;
  onFatal(error: RunnerRefused): void;
  timing: Timing;
  log: Logger;
}

export interface Poller {
  /** Polls exactly these queues from now on. */
  setQueues(queueUrls: string[]): void;
  /** Goes on; `next`: with a claim by this doorbell, which came by another way than a queue. */
  resume(next?: Doorbell): void;
  /**
   * Resolves when no poll and no claim is under way. `slippedIn`: a message came in the meantime and was put
   * back.
   */
  pause(): Promise<{ slippedIn: boolean }>;
  isPaused(): boolean;
  /** Pauses permanently. */
  stop(): Promise<void>;
}

/** Maximum messages of one call (AWS: ReceiveMessage, MaxNumberOfMessages). */
const maxMessages = 10;
const retryClaimSeconds = 5;
/** Longest time in which SQS answers a poll for existing messages. */
const youngPollMs = 1000;

const parseDoorbell = (body: string): Doorbell | undefined => {
  try {
    return doorbell.parse(JSON.parse(body));
  } catch {
    return undefined;
  }
};

export const createPoller = (options: PollerOptions): Poller => {
  const { queue, held, claim, timing, log } = options;
  const sayTrouble = sayRarely(log.warn, timing.now);
  const stateChanges = createChanges();
  const loops = new Map<string, AbortController>();
  const polls = new Map<AbortController, number>();
  const rounds = new Set<Promise<unknown>>();
  let paused = true;
  let slippedIn = false;

  const freeSlots = () => Math.max(0, options.maxParallelTasks() - held.size());
  const isOpen = () => !paused && freeSlots() > 0;
  const abortPolls = () => {
    for (const poll of polls.keys()) poll.abort();
  };
  /**
   * Aborts polls when every slot is taken, but not those that began just now (a burst rings many queues at
   * once). A message on its way to such a poll would stay hidden if it were aborted; the poll may still
   * receive it and put it back.
   */
  const abortPollsWhenFull = () => {
    for (const [poll, since] of polls) {
      const ageMs = timing.now() - since;
      void timing.sleep(Math.max(0, youngPollMs - ageMs), poll.signal).then(() => {
        if (!isOpen()) poll.abort();
      });
    }
  };

  /**
   * Sends a best-effort call to SQS. If it fails, SQS repeats the message: one that is not removed rings
   * again.
   */
  const bestEffort = (call: Promise<void>) =>
    call.catch((error: unknown) => log.debug(`SQS did not accept the call: ${messageOf(error)}`));

  /** Claims by a doorbell. Returns the seconds until it is to ring again; undefined: it is done. */
  const answerTo = async (rung: Doorbell): Promise<number | undefined> => {
    // Without this, a second doorbell of a task would claim the next task, whose own doorbell would then be
    // the second one, and so on for ever.
    if (held.isDone(rung.taskId)) return undefined;
    const already = held.get(rung.taskId);
    if (already) return already.lost.aborted ? retryClaimSeconds : undefined;
    if (!isOpen()) {
      slippedIn = true;
      return 0;
    }
    const { projectId, taskId, ...hint } = rung;
    const task = held.add(projectId, taskId);
    if (!isOpen()) abortPollsWhenFull();
    const outcome = await claim(task, hint);
    if (outcome === 'another') return 0;
    return outcome === 'later' ? retryClaimSeconds : undefined;
  };

  const take = async (queueUrl: string, { body, receipt }: QueueMessage) => {
    const rung = parseDoorbell(body);
    if (!rung) log.warn(`Removed a message that is not a doorbell: ${body.slice(0, 200)}`);
    const seconds = rung && (await answerTo(rung));
    await bestEffort(
      seconds === undefined ? queue.remove(queueUrl, receipt) : queue.putBack(queueUrl, receipt, seconds),
    );
  };

  const pollOnce = async (queueUrl: string, stopped: AbortSignal) => {
    const poll = new AbortController();
    polls.set(poll, timing.now());
    try {
      const max = Math.min(maxMessages, freeSlots());
      const messages = await queue.receive(queueUrl, max, AbortSignal.any([stopped, poll.signal]));
      polls.delete(poll);
      await Promise.all(messages.map((message) => take(queueUrl, message)));
    } catch (error) {
      if (!poll.signal.aborted && !stopped.aborted) throw error;
    } finally {
      polls.delete(poll);
    }
  };

  const tracked = async (round: Promise<unknown>) => {
    const settled = round.catch(() => undefined);
    rounds.add(settled);
    try {
      await round;
    } finally {
      rounds.delete(settled);
    }
  };

  const pollUntil = async (queueUrl: string, stopped: AbortSignal) => {
    let failures = 0;
    while (!stopped.aborted) {
      if (!isOpen()) {
        const seen = new AbortController();
        const until = AbortSignal.any([stopped, seen.signal]);
        await Promise.race([stateChanges.next(until), held.changes.next(until)]);
        seen.abort();
        continue;
      }
      try {
        await tracked(pollOnce(queueUrl, stopped));
        failures = 0;
      } catch (error) {
        failures += 1;
        if (error instanceof RunnerRefused) return options.onFatal(error);
        if (isCredentialsError(error) && failures === 1) {
          await options.renewCredentials().catch((refused: unknown) => {
            if (refused instanceof RunnerRefused) options.onFatal(refused);
          });
          continue;
        }
        sayTrouble(`Cannot poll ${queueUrl}: ${messageOf(error)}; trying again`);
        await timing.sleep(backoffMs(failures, timing.random()), stopped);
      }
    }
  };

  const setQueues = (queueUrls: string[]) => {
    for (const [queueUrl, loop] of loops) {
      if (queueUrls.includes(queueUrl)) continue;
      loop.abort();
      loops.delete(queueUrl);
    }
    for (const queueUrl of queueUrls) {
      if (loops.has(queueUrl)) continue;
      const loop = new AbortController();
      loops.set(queueUrl, loop);
      void pollUntil(queueUrl, loop.signal);
    }
    // maxParallelTasks may have changed at the same time.
    if (!isOpen()) abortPollsWhenFull();
    stateChanges.announce();
  };

  const pause = async () => {
    paused = true;
    slippedIn = false;
    abortPolls();
    await Promise.all(rounds);
    return { slippedIn };
  };

  return {
    setQueues,
    resume: (next) => {
      paused = false;
      if (next) void tracked(answerTo(next));
      stateChanges.announce();
    },
    pause,
    isPaused: () => paused,
    stop: async () => {
      await pause();
      setQueues([]);
    },
  };
};
