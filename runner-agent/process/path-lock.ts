/** Locks a path within this process. The working folder's lock keeps other agents away. */

/** Last waiter for each path. */
const turns = new Map<string, Promise<unknown>>();

/** Runs `work` with the path locked. Rejects when `signal` aborts during the wait. */
export const withPathLock = async <T>(
  path: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> => {
  signal.throwIfAborted();
  const waiting = Promise.withResolvers<never>();
  const giveUp = () => waiting.reject(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  const before = turns.get(path) ?? Promise.resolve();
  const turn = before.then(() => {
    signal.throwIfAborted();
    signal.removeEventListener('abort', giveUp);
    return work();
  });
  const settled = turn.catch(() => undefined);
  turns.set(path, settled);
  void settled.then(() => {
    if (turns.get(path) === settled) turns.delete(path);
  });
  return Promise.race([turn, waiting.promise]);
};
