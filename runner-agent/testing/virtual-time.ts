/** Virtual time: it stands still until a test advances it. */
import type { Timing } from '../timing.ts';

export interface VirtualTime {
  /** Begins at 0. `random` is always 1, so that a delay with jitter has its full length. */
  readonly timing: Timing;
  /** Advances by `ms`, from one timer to the next. Between them, everything that needs no time runs. */
  pass(ms: number): Promise<void>;
}

/** Resolves when everything that needs no time has run. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

export const virtualTime = (): VirtualTime => {
  const timers = new Set<{ readonly atMs: number; readonly act: () => void }>();
  let nowMs = 0;
  const after = (ms: number, act: () => void) => {
    const timer = { atMs: nowMs + ms, act };
    timers.add(timer);
    return () => void timers.delete(timer);
  };
  const sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal?.aborted) return resolve();
      after(ms, resolve);
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  return {
    timing: { now: () => nowMs, monotonic: () => nowMs, random: () => 1, sleep, after },
    pass: async (ms) => {
      const untilMs = nowMs + ms;
      await settle();
      for (;;) {
        const [next] = [...timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs);
        if (!next) break;
        timers.delete(next);
        nowMs = next.atMs;
        next.act();
        await settle();
      }
      nowMs = untilMs;
    },
  };
};
