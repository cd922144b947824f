/** A timeline of changes: prints a thing's state when it differs from the previous one. */

export interface Timeline {
  /** Reports the current state of a thing. */
  see(thing: string, state: string): void;
}

export const makeTimeline = (print: (line: string) => void, nowMs: () => number = Date.now): Timeline => {
  const startedMs = nowMs();
  const states = new Map<string, string>();
  return {
    see: (thing, state) => {
      if (states.get(thing) === state) return;
      const isNews = states.has(thing) || state !== 'stopped';
      states.set(thing, state);
      if (!isNews) return;
      const seconds = ((nowMs() - startedMs) / 1000).toFixed(1).padStart(5);
      print(`${seconds} s  ${thing.padEnd(46)} ${state}`);
    },
  };
};
