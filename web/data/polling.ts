/**
 * Poll intervals: short while something changes, long while nothing does. TanStack Query does not poll while
 * the tab is hidden.
 */
const idleMs = 15_000;
/** Intervals for live data, by the time since its last change. */
const liveSteps = [
  { quietMs: 20_000, everyMs: 1000 },
  { quietMs: 120_000, everyMs: 3000 },
] as const;
const liveMs = 6000;
/** Shortest interval for data that only waits: nothing changes until a runner takes the task. */
const waitingMs = 3000;

/** Data of each query at its last change. Equal answers are the same object (structural sharing). */
const lastChanges = new WeakMap<object, { data: unknown; at: number }>();

const quietFor = (query: object, data: unknown, now: number): number => {
  const last = lastChanges.get(query);
  if (last && last.data === data) return now - last.at;
  lastChanges.set(query, { data, at: now });
  return 0;
};

/** Returns a `refetchInterval` that is short while `isLive` expects the answer to change. */
export const adaptive =
  <T>(isLive: (data: T) => boolean, isWaiting: (data: T) => boolean = () => false) =>
  (query: { readonly state: { readonly data: T | undefined; readonly error: unknown } }): number => {
    const { data, error } = query.state;
    if (error) return liveMs;
    if (data === undefined || !isLive(data)) return idleMs;
    const quietMs = quietFor(query, data, Date.now());
    const everyMs = liveSteps.find((step) => quietMs < step.quietMs)?.everyMs ?? liveMs;
    return isWaiting(data) ? Math.max(everyMs, waitingMs) : everyMs;
  };
