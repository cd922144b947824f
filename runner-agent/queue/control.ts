/**
 * Listens to the runner's own queue, where the API requests heartbeats: a stop reaches a silent task at once.
 */
import { backoffMs } from '../backoff.ts';
import { createChanges } from '../changes.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { Timing } from '../timing.ts';
import type { TaskQueue } from './task-queue.ts';

export interface ControlOptions {
  queue: Pick<TaskQueue, 'receive' | 'remove'>;
  /** Called when a message came. */
  onRing(): void;
  timing: Timing;
  log: Logger;
}

export interface Control {
  /** Listens to this queue from now on; undefined stops listening. */
  listenTo(queueUrl: string | undefined): void;
  /** Listens until `signal` aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

/** Maximum of one call. One heartbeat answers all messages. */
const maxMessages = 10;

export const createControl = ({ queue, onRing, timing, log }: ControlOptions): Control => {
  const changes = createChanges();
  let queueUrl: string | undefined;

  const listenOnce = async (url: string, signal: AbortSignal) => {
    const rings = await queue.receive(url, maxMessages, signal);
    if (rings.length > 0) onRing();
    // A message that is not removed comes again, which is harmless.
    await Promise.allSettled(rings.map(({ receipt }) => queue.remove(url, receipt)));
  };

  return {
    listenTo: (url) => {
      if (url === queueUrl) return;
      queueUrl = url;
      changes.announce();
    },
    run: async (signal) => {
      for (let failures = 0; !signal.aborted; ) {
        if (queueUrl === undefined) {
          await changes.next(signal);
          continue;
        }
        try {
          await listenOnce(queueUrl, signal);
          failures = 0;
        } catch (error) {
          if (signal.aborted) return;
          failures += 1;
          log.debug(
            `Cannot listen in ${queueUrl}: ${messageOf(error)}; stops may take until the next heartbeat`,
          );
          await timing.sleep(backoffMs(failures, timing.random()), signal);
        }
      }
    },
  };
};
