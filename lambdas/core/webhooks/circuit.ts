/** Circuit breaker of a webhook URL: pauses deliveries to a receiver that fails repeatedly. */
import { addMs, type Instant, msBetween } from '../../../protocol/index.ts';

/** Stored state of a URL. */
export interface Circuit {
  /** Number of consecutive failures. */
  readonly failures: number;
  /** End of the pause; after it one delivery at a time probes the receiver. */
  readonly openUntil?: Instant;
}

/** Consecutive failures that open it. */
const failuresToOpen = 5;
const coolDownMs = 60_000;
/** Longer than any attempt: during a probe the other deliveries wait. */
const probeMs = 30_000;

export type Admission =
  | { readonly kind: 'send' }
  /** May be sent by the caller that sets `openUntil` to this. */
  | { readonly kind: 'probe'; readonly openUntil: Instant }
  | { readonly kind: 'wait'; readonly until: Instant };

/** Decides whether a request may be sent to the URL now. */
export const admit = (circuit: Circuit | undefined, now: Instant): Admission => {
  if (circuit?.openUntil === undefined) return { kind: 'send' };
  return msBetween(now, circuit.openUntil) > 0
    ? { kind: 'wait', until: circuit.openUntil }
    : { kind: 'probe', openUntil: addMs(now, probeMs) };
};

/** Returns the end of the pause after consecutive failures, the last one now; undefined: it stays closed. */
export const openAfter = (failures: number, now: Instant): Instant | undefined =>
  failures >= failuresToOpen ? addMs(now, coolDownMs) : undefined;
