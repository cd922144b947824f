/** Virtual time: acts at their moments, one after the other. */

interface Entry {
  readonly atMs: number;
  readonly act: () => Promise<void>;
  readonly name?: string | undefined;
}

export const createAgenda = () => {
  const entries: Entry[] = [];
  let presentMs = 0;
  /** Those of one moment in the order in which they were added. */
  const at = (atMs: number, act: Entry['act'], name?: string): void => {
    const later = entries.findIndex((entry) => entry.atMs > atMs);
    entries.splice(later === -1 ? entries.length : later, 0, { atMs, act, name });
  };
  return {
    at,
    /** Epoch milliseconds of the act that runs. */
    nowMs: () => presentMs,
    after: (ms: number, act: Entry['act'], name?: string): void => at(presentMs + ms, act, name),
    /** Whether an act of that name is still to come. */
    has: (name: string): boolean => entries.some((entry) => entry.name === name),
    /** Resolves when nothing is left to do. */
    run: async (): Promise<void> => {
      for (let next = entries.shift(); next; next = entries.shift()) {
        presentMs = next.atMs;
        await next.act();
      }
    },
  };
};
