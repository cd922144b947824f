/** Time and randomness, passed in so that tests can control them. */

export interface Timing {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds of a monotonic clock, which nobody can set. */
  monotonic(): number;
  /** Random number from 0 to 1, like Math.random. */
  random(): number;
  /** Resolves after `ms`, or as soon as `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Runs `act` once after `ms`. The returned function cancels it. */
  after(ms: number, act: () => void): () => void;
}

const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end, { once: true });
  });

const after = (ms: number, act: () => void) => {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
};

export const systemTiming: Timing = {
  now: Date.now,
  monotonic: () => performance.now(),
  random: Math.random,
  sleep,
  after,
};
