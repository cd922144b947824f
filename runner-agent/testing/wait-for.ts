/** Waits for a condition by short polling. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves with the first value that is neither undefined nor false. Rejects after `timeoutMs`. */
export const waitFor = async <T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 120_000,
): Promise<T> => {
  const until = Date.now() + timeoutMs;
  while (Date.now() < until) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    await sleep(5);
  }
  throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`);
};
