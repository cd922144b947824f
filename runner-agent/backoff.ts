/** How long to wait before trying again: exponential, capped, with jitter so that a fleet does not return as one. */

export interface BackoffOptions {
  baseMs: number;
  maxMs: number;
}

const defaults: BackoffOptions = { baseMs: 500, maxMs: 30_000 };

/** The wait in ms after the `failures`-th failure in a row (1, 2, …): between half of and the whole of the step. */
export const backoffMs = (failures: number, random: number, options: BackoffOptions = defaults): number => {
  const step = Math.min(options.maxMs, options.baseMs * 2 ** Math.max(0, failures - 1));
  return Math.round(step / 2 + (step / 2) * random);
};
