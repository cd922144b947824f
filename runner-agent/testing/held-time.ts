/** Fake time that stands still until a test advances it. */
import type { Timing } from '../timing.ts';

export interface HeldTime {
  readonly timing: Pick<Timing, 'monotonic' | 'after' | 'sleep'>;
  /** Advances by `ms` at once, and runs everything that is due by then. */
  pass(ms: number): void;
}

export const heldTime = (): HeldTime => {
  const due = new Map<() => void, number>();
  let presentMs = 0;
  const after = (ms: number, act: () => void) => {
    const once = () => act();
    due.set(once, presentMs + ms);
    return () => void due.delete(once);
  };
  return {
    timing: {
      monotonic: () => presentMs,
      after,
      sleep: (ms) => new Promise((resolve) => after(ms, resolve)),
    },
    pass: (ms) => {
      presentMs += ms;
      for (const [act, atMs] of [...due].sort(([, a], [, b]) => a - b)) {
        if (atMs <= presentMs && due.delete(act)) act();
      }
    },
  };
};
