/** Limits the working time of a task. The limit is paused while the task waits for a person. */
import type { Timing } from '../timing.ts';

export interface TimeLimit {
  /** Aborts when the time is over. */
  readonly signal: AbortSignal;
  pause(): void;
  resume(): void;
  /** Removes the limit. */
  clear(): void;
}

export const createTimeLimit = (
  limitMs: number,
  { monotonic, after }: Pick<Timing, 'monotonic' | 'after'>,
): TimeLimit => {
  const expired = new AbortController();
  let leftMs = limitMs;
  let startedAt = 0;
  let callOff: (() => void) | undefined;
  const pause = () => {
    if (!callOff) return;
    callOff();
    callOff = undefined;
    leftMs -= monotonic() - startedAt;
  };
  const resume = () => {
    if (callOff) return;
    startedAt = monotonic();
    callOff = after(Math.max(0, leftMs), () => expired.abort());
  };
  resume();
  return { signal: expired.signal, pause, resume, clear: pause };
};
