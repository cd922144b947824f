/**
 * Waits for EC2's notice that it reclaims a spot instance, two minutes ahead, in the instance metadata
 * service (IMDSv2):
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
 */
import * as z from 'zod';
import { messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { Timing } from '../timing.ts';
import { createMetadata } from './metadata.ts';

const notice = z.object({ action: z.enum(['hibernate', 'stop', 'terminate']), time: z.iso.datetime() });
export type SpotNotice = z.infer<typeof notice>;

export interface SpotWatchOptions {
  /** URL of the metadata service, such as http://169.254.169.254. */
  readonly metadataUrl: string;
  readonly pollMs: number;
  readonly timing: Timing;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Resolves with the notice when it comes; with undefined when the instance is not spot or `signal` aborts.
 * Never rejects.
 */
export const untilSpotNotice = async (options: SpotWatchOptions): Promise<SpotNotice | undefined> => {
  const { metadataUrl, pollMs, timing, log, signal } = options;
  const read = createMetadata(metadataUrl, timing, signal);
  let isSpot = false;
  let isSaid = false;
  while (!signal.aborted) {
    try {
      if (!isSpot) {
        if ((await read('instance-life-cycle')) !== 'spot') return undefined;
        isSpot = true;
      }
      const text = await read('spot/instance-action');
      if (text !== undefined) return notice.parse(JSON.parse(text));
      isSaid = false;
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!isSaid) log.warn(`Cannot check for a spot notice: ${messageOf(error)}`);
      isSaid = true;
    }
    await timing.sleep(pollMs, signal);
  }
  return undefined;
};
