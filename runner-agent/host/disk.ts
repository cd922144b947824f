/** Whether the disk of the working folder has room for a task. */
import { statfs } from 'node:fs/promises';
import type { DiskShortage } from '../../protocol/runner.ts';
import type { Logger } from '../logger.ts';

export const freeMiBIn = async (folder: string): Promise<number> => {
  const { bavail, bsize } = await statfs(folder);
  return Math.floor((bavail * bsize) / 1_048_576);
};

export interface DiskWatch {
  /** How it is now; undefined when there is room. */
  look(): Promise<DiskShortage | undefined>;
}

/** So that a disk around its limit does not have the runner come and go: what was low needs a fifth more to be so no more. */
const comeback = 1.2;

/** `freeMiB` says what is free now; what it cannot say counts as room. */
export const watchDisk = (
  freeMiB: () => Promise<number>,
  minFreeMiB: number,
  log: Pick<Logger, 'info' | 'warn'>,
): DiskWatch => {
  let isLow = false;
  return {
    look: async () => {
      const free = await freeMiB().catch(() => Number.POSITIVE_INFINITY);
      const neededMiB = Math.ceil(isLow ? minFreeMiB * comeback : minFreeMiB);
      const wasLow = isLow;
      isLow = free < neededMiB;
      if (isLow && !wasLow)
        log.warn(`The disk has ${free} MiB free, and a task needs ${minFreeMiB}: taking no new task`);
      if (wasLow && !isLow) log.info('The disk has room again');
      return isLow ? { freeMiB: free, neededMiB: Math.ceil(minFreeMiB * comeback) } : undefined;
    },
  };
};
