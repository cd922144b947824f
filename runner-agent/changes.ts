/** Lets loops wait until something that they look at has changed. */

export interface Changes {
  /** Wakes everyone who waits now. */
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
