/** Checks whether the disk of the working folder has room for a task. */
import { statfs } from 'node:fs/promises';
import type { DiskShortage } from '../../protocol/runner.ts';
import type { Logger } from '../logger.ts';

export const freeMiBIn = async (folder: string): Promise<number> => {
  const { bavail, bsize } = await statfs(folder);
  return Math.floor((bavail * bsize) / 1_048_576);
};

export interface DiskWatch {
  /** Checks the disk; undefined when there is room. */
  look(): Promise<DiskShortage | undefined>;
}

/**
 * Factor for recovery: a low disk needs a fifth more than the minimum, so that the runner does not flap at
 * the limit.
 */
const comeback = 1.2;

/** Watches the free space. When `freeMiB` fails, the disk counts as having room. */
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
