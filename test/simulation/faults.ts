/** Faults of a run: their probabilities and counts. */
import type { Chance } from './chance.ts';

/** Probability of each fault per opportunity, in rough weather. */
const probabilities = {
  'function crashed': 0.004,
  'function slow to start': 0.05,
  'call failed before it was done': 0.006,
  'call failed after it was done': 0.003,
  'call done twice by a retry': 0.006,
  'call slow': 0.01,
  'request lost': 0.01,
  'request late': 0.02,
  'response lost': 0.01,
  'message duplicated': 0.05,
  'message delayed': 0.1,
  'message lost on its way to a poll': 0.02,
  'event lost': 0.1,
  'event late': 0.1,
  'event duplicated': 0.1,
  'webhook lost': 0.08,
  'webhook slow': 0.08,
  'webhook duplicated': 0.08,
  'start refused for capacity': 0.08,
  'launch refused for capacity': 0.15,
  'start throttled': 0.08,
  'describe failed': 0.01,
  'instance hung in pending': 0.04,
  'instance fell back to stopped': 0.03,
  'agent never started': 0.05,
  'agent killed': 0.02,
  'agent restarted': 0.02,
  'power cut': 0.2,
  'agent dead for good': 0.05,
  'instance stopped by EC2': 0.015,
  'instance impaired': 0.015,
  'agent cut off from the API': 0.01,
  'disk full': 0.01,
  'disk lost with the agent': 0.3,
  'reconciliation skipped': 0.1,
  'reconciliation twice at once': 0.1,
  'index late': 0.1,
} as const;

export type FaultKind = keyof typeof probabilities;

export interface Faults {
  /** Decides whether this fault happens now, and counts it. */
  hit(kind: FaultKind): boolean;
  /** Stops all further faults. */
  cease(): void;
  counts(): Readonly<Record<string, number>>;
}

/** Makes the faults of a run. `scale` 0 = none; 1 = the probabilities above. */
export const createFaults = (chance: Chance, scale: number): Faults => {
  const counts: Record<string, number> = {};
  let present = scale;
  return {
    hit: (kind) => {
      if (!chance.happens(Math.min(0.9, probabilities[kind] * present))) return false;
      counts[kind] = (counts[kind] ?? 0) + 1;
      return true;
    },
    cease: () => {
      present = 0;
    },
    counts: () => counts,
  };
};
