/** Virtual time: a heap of due actions, without waits between them. */
import { type Instant, toInstant } from '../../protocol/index.ts';

export interface VirtualTime {
  nowMs(): number;
  now(): Instant;
  /** Runs `act` once in `ms`; the returned function cancels it. */
  after(ms: number, act: () => void): () => void;
  sleep(ms: number): Promise<void>;
  /**
   * Runs until `untilMs` (epoch) or until `isOver`. Calls `afterStep` after each step, once all its
   * consequences are done.
   */
  run(untilMs: number, afterStep: () => void, isOver: () => boolean): Promise<void>;
}

/** Rounds down to a whole second: EC2's launch times and EventBridge's event times have no fractions. */
export const wholeSecond = (ms: number): number => ms - (ms % 1000);

interface Due {
  readonly atMs: number;
  readonly order: number;
  act: (() => void) | undefined;
}

/** Start time of all simulations. */
export const beginningMs = Date.parse('2026-01-05T09:00:00.000Z');

const isSooner = (a: Due, b: Due) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

const createHeap = () => {
  const heap: Due[] = [];
  const swap = (i: number, j: number) => {
    const [a, b] = [heap[i], heap[j]];
    if (a && b) [heap[i], heap[j]] = [b, a];
  };
  const sooner = (i: number, j: number) => {
    const [a, b] = [heap[i], heap[j]];
    return a !== undefined && b !== undefined && isSooner(a, b);
  };
  return {
    peek: () => heap[0],
    push: (due: Due) => {
      heap.push(due);
      for (let at = heap.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1;
        if (!sooner(at, parent)) break;
        swap(at, parent);
        at = parent;
      }
    },
    pop: (): Due | undefined => {
      const first = heap[0];
      const last = heap.pop();
      if (last && heap.length > 0) {
        heap[0] = last;
        for (let at = 0; ; ) {
          const left = 2 * at + 1;
          const least = sooner(left + 1, left) ? left + 1 : left;
          if (!sooner(least, at)) break;
          swap(at, least);
          at = least;
        }
      }
      return first;
    },
  };
};

/** Resolves when every promise that can settle without time has settled. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

export const createVirtualTime = (): VirtualTime => {
  const heap = createHeap();
  let presentMs = beginningMs;
  let made = 0;
  const after = (ms: number, act: () => void) => {
    const due: Due = { atMs: presentMs + Math.max(0, Math.ceil(ms)), order: ++made, act };
    heap.push(due);
    return () => {
      due.act = undefined;
    };
  };
  return {
    nowMs: () => presentMs,
    now: () => toInstant(presentMs),
    after,
    sleep: (ms) => new Promise((resolve) => void after(ms, resolve)),
    run: async (untilMs, afterStep, isOver) => {
      await settled();
      while (!isOver()) {
        const next = heap.peek();
        if (!next || next.atMs > untilMs) break;
        heap.pop();
        if (!next.act) continue;
        presentMs = next.atMs;
        next.act();
        await settled();
        afterStep();
      }
      if (!isOver()) presentMs = Math.max(presentMs, untilMs);
    },
  };
};
