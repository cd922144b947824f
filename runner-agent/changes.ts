/** Lets loops wait until the state that they depend on changes. */

export interface Changes {
  /** Wakes all current waiters. */
  announce(): void;
  /** Resolves at the next announcement, or as soon as `signal` aborts. */
  next(signal?: AbortSignal): Promise<void>;
}

export const createChanges = (): Changes => {
  const waiting = new Set<() => void>();
  return {
    announce: () => {
      for (const wake of [...waiting]) wake();
    },
    next: (signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const wake = () => {
          waiting.delete(wake);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        waiting.add(wake);
        signal?.addEventListener('abort', wake, { once: true });
      }),
  };
};
