/**
 * Retry policy of webhooks: how long an attempt takes, which answers are final, when the next attempt comes,
 * and when a delivery is given up.
 */
import {
  addMs,
  type Delivery,
  type DeliveryAttempt,
  type Instant,
  msBetween,
} from '../../../protocol/index.ts';

/**
 * Time from the first look-up to the last byte of the answer. The first attempt blocks its caller, so it is
 * below Semaphore's own limit.
 */
export const attemptTimeoutMs = 10_000;

/** SQS delays a message by 15 minutes at most (AWS: SQS message timers). */
const longestDelaySeconds = 900;

/** Returns the status after an attempt. Only a 2xx answer is final, and each failure of the last attempt. */
export const statusAfter = (
  { statusCode = 0 }: Pick<DeliveryAttempt, 'statusCode'>,
  isLast: boolean,
): Delivery['status'] => {
  if (statusCode >= 200 && statusCode < 300) return 'delivered';
  return isLast ? 'dead' : 'pending';
};

/** Returns 5 s, 10 s, 20 s, 40 s … up to 15 minutes. */
const backoffSeconds = (tries: number): number => Math.min(longestDelaySeconds, 5 * 2 ** tries);

/** Retry after a failed first attempt. */
export const firstRetry = { tries: 0, delaySeconds: backoffSeconds(0) };

/**
 * Describes a retry: the `tries` before it, whether it is the `last`, and the delay after its failure.
 * `number` counts from 1. A last message waits the least: on its return it goes to the dead-letter queue.
 */
export const retryOf = (number: number, most: number) => {
  const last = number >= most;
  return { tries: number - 1, last, delaySeconds: backoffSeconds(last ? 0 : number) };
};

/** Time after which a delivery checks again whether its predecessors are settled. */
export const turnAfter = (now: Instant): Instant => addMs(now, 10_000);

/** Returns the delay of a delivery that is held: its turn is checked at `until`, or earlier and again. */
export const holdSeconds = (now: Instant, until: Instant): number =>
  Math.min(longestDelaySeconds, Math.max(1, Math.ceil(msBetween(now, until) / 1000)));

/** True when a delivery has waited for its turn for a day: its receiver will not come back. */
export const isHeldTooLong = ({ createdAt }: Pick<Delivery, 'createdAt'>, now: Instant): boolean =>
  msBetween(createdAt, now) > 24 * 3_600_000;

/** True when a pending delivery was not attempted for so long that it has left the retry queue. */
export const hasLeftQueue = (
  { held, attempts, createdAt }: Pick<Delivery, 'held' | 'attempts' | 'createdAt'>,
  now: Instant,
): boolean => msBetween(held?.until ?? attempts.at(-1)?.at ?? createdAt, now) >= longestDelaySeconds * 1000;
