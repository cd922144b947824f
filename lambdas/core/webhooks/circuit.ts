/** The circuit breaker of a webhook URL: a receiver that fails again and again is left alone for a while. */
import { addMs, type Instant, msBetween } from '../../../protocol/index.ts';

/** What is remembered of a URL. */
export interface Circuit {
  /** In a row. */
  readonly failures: number;
  /** Until when nothing is sent there; after it, one delivery at a time tries whether it is well again. */
  readonly openUntil?: Instant | undefined;
}

/** So many failures in a row open it. */
const failuresToOpen = 5;
const coolDownMs = 60_000;
/** Longer than an attempt may take: while one tries, the others go on waiting. */
const probeMs = 30_000;

export type Admission =
  | { readonly kind: 'send' }
  /** It may be sent if it is the one that makes `openUntil` this. */
  | { readonly kind: 'probe'; readonly openUntil: Instant }
  | { readonly kind: 'wait'; readonly until: Instant };

/** Whether something may be sent to the URL now. */
export const admit = (circuit: Circuit | undefined, now: Instant): Admission => {
  if (circuit?.openUntil === undefined) return { kind: 'send' };
  return msBetween(now, circuit.openUntil) > 0
    ? { kind: 'wait', until: circuit.openUntil }
    : { kind: 'probe', openUntil: addMs(now, probeMs) };
};

/** Until when it is open after so many failures in a row, the last one now; undefined: it stays closed. */
export const openAfter = (failures: number, now: Instant): Instant | undefined =>
  failures >= failuresToOpen ? addMs(now, coolDownMs) : undefined;
