/** Asynchronous invocations, as EventBridge and EventBridge Scheduler make them: a function that fails is tried again, later. */
import type { Invoke } from './functions.ts';

export interface AsyncInvoker {
  /** Resolves after the first try, whatever came of it. */
  deliver(invoke: Invoke, event: unknown): Promise<void>;
  stop(): void;
}

/** Lambda tries an asynchronous invocation twice more, after one minute and after two. */
const retryDelaysMs = [60_000, 120_000];

export const makeAsyncInvoker = (): AsyncInvoker => {
  const timers = new Set<NodeJS.Timeout>();
  let stopped = false;
  const deliver = async (invoke: Invoke, event: unknown, retries = retryDelaysMs): Promise<void> => {
    try {
      await invoke(event);
    } catch {
      const [delayMs, ...rest] = retries;
      if (delayMs === undefined || stopped) return;
      const timer = setTimeout(() => {
        timers.delete(timer);
        void deliver(invoke, event, rest);
      }, delayMs);
      timers.add(timer);
    }
  };
  return {
    deliver,
    stop: () => {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
    },
  };
};
