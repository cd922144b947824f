/** Repeats a call until it succeeds, with growing delays. */
import { type BackoffOptions, backoffMs } from './backoff.ts';
import type { Timing } from './timing.ts';

export interface RetryOptions extends BackoffOptions {
  /** Returns true when a further try is pointless. `tries` counts the failed ones. */
  isFinal(error: unknown, tries: number): boolean;
  /** Called with the error of a failed try before the wait for the next one. */
  onRetry?(error: unknown): void;
  /** Ends the tries. */
  signal?: AbortSignal;
  timing: Pick<Timing, 'random' | 'sleep'>;
}

/**
 * Calls until it succeeds; `tries` is 1 at first. Rejects with a final error, with the error of a try during
 * which `signal` aborted, or with the signal's reason when it aborted before a try.
 */
export const retry = async <T>(call: (tries: number) => Promise<T>, options: RetryOptions): Promise<T> => {
  const { isFinal, onRetry, signal, timing } = options;
  for (let tries = 1; ; tries += 1) {
    signal?.throwIfAborted();
    try {
      return await call(tries);
    } catch (error) {
      if (signal?.aborted || isFinal(error, tries)) throw error;
      onRetry?.(error);
      await timing.sleep(backoffMs(tries, timing.random(), options), signal);
    }
  }
};
