/** A limit on the time that a task works; it stands still while the task waits for a person. */

export interface TimeLimit {
  /** Aborts when the time is over. */
  readonly signal: AbortSignal;
  pause(): void;
  resume(): void;
  /** No limit any more. */
  clear(): void;
}

export const createTimeLimit = (limitMs: number): TimeLimit => {
  const over = new AbortController();
  let leftMs = limitMs;
  let startedAt = 0;
  let timer: NodeJS.Timeout | undefined;
  const pause = () => {
    if (!timer) return;
    clearTimeout(timer);
    timer = undefined;
    leftMs -= performance.now() - startedAt;
  };
  const resume = () => {
    startedAt = performance.now();
    timer ??= setTimeout(() => over.abort(), Math.max(0, leftMs));
  };
  resume();
  return { signal: over.signal, pause, resume, clear: pause };
};
