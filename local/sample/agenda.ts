/** Virtual time: runs actions at their moments, one after the other. */

interface Entry {
  readonly atMs: number;
  readonly act: () => Promise<void>;
  readonly name?: string;
}

export const createAgenda = () => {
  const entries: Entry[] = [];
  let presentMs = 0;
  /** Adds an action. Actions of one moment run in the order in which they were added. */
  const at = (atMs: number, act: Entry['act'], name?: string): void => {
    const later = entries.findIndex((entry) => entry.atMs > atMs);
    entries.splice(later === -1 ? entries.length : later, 0, { atMs, act, name });
  };
  return {
    at,
    /** Epoch milliseconds of the current action. */
    nowMs: () => presentMs,
    after: (ms: number, act: Entry['act'], name?: string): void => at(presentMs + ms, act, name),
    /** Returns true if an action of that name is pending. */
    has: (name: string): boolean => entries.some((entry) => entry.name === name),
    /** Runs all actions; resolves when none is left. */
    run: async (): Promise<void> => {
      for (let next = entries.shift(); next; next = entries.shift()) {
        presentMs = next.atMs;
        await next.act();
      }
    },
  };
};
