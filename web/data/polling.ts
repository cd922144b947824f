/**
 * How often to ask again: fast while something changes, slowly while nothing does. TanStack Query asks nothing at all while
 * the tab is hidden.
 */
const idleMs = 15_000;
/** For what is live: by how long nothing has changed. */
const liveSteps = [
  { quietMs: 20_000, everyMs: 1000 },
  { quietMs: 120_000, everyMs: 3000 },
] as const;
const liveMs = 6000;
/** At most so often for what only waits: nothing of it moves until a runner takes it. */
const waitingMs = 3000;

/** What a query held when it last changed. Answers that are equal are the same object (structural sharing). */
const lastChanges = new WeakMap<object, { data: unknown; at: number }>();

const quietFor = (query: object, data: unknown, now: number): number => {
  const last = lastChanges.get(query);
  if (last && last.data === data) return now - last.at;
  lastChanges.set(query, { data, at: now });
  return 0;
};

/** The `refetchInterval` of a query whose answer is about to change when `isLive` says so. */
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
