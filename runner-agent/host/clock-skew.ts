/** Warns when this machine's clock is wrong, before AWS refuses its signatures for it. */
import { type Logger, sayRarely } from '../logger.ts';
import type { Timing } from '../timing.ts';

/**
 * AWS refuses signatures that are more than 5 minutes off (AWS: Signature Version 4). Network delay is far
 * below this.
 */
const tolerableMs = 30_000;

/** Compares the API's clock in each answer with this machine's, and warns when they differ much. */
export const watchClock = ({ now }: Pick<Timing, 'now'>, log: Pick<Logger, 'warn'>) => {
  const warn = sayRarely(log.warn, now);
  return (serverTimeMs: number): void => {
    const aheadMs = now() - serverTimeMs;
    if (Math.abs(aheadMs) <= tolerableMs) return;
    const seconds = Math.round(Math.abs(aheadMs) / 1000);
    warn(
      `This machine's clock is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} the API's: set it by NTP. From 5 minutes on SQS refuses this runner`,
    );
  };
};
