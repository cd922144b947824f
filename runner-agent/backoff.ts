/** Delay before a retry: exponential and capped, with jitter so that a fleet does not return all at once. */

export interface BackoffOptions {
  baseMs: number;
  maxMs: number;
}

const defaults: BackoffOptions = { baseMs: 500, maxMs: 30_000 };

/**
 * Returns the delay in ms after the `failures`-th failure in a row (1, 2, …): between half of the step and
 * all of it.
 */
export const backoffMs = (failures: number, random: number, options: BackoffOptions = defaults): number => {
  const step = Math.min(options.maxMs, options.baseMs * 2 ** Math.max(0, failures - 1));
  return Math.round(step / 2 + (step / 2) * random);
};
