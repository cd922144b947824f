/**
 * Time limits that exclude the time in which a thread waits for the processor. AWS runs each function on its
 * own processor share. A busy laptop does not, so a limit in wall time would kill a function that AWS lets
 * finish.
 */
import { performance } from 'node:perf_hooks';
import type { Worker } from 'node:worker_threads';

/** Use of a thread: busy time of its event loop, and the processor time in it. */
interface ThreadUse {
  readonly activeMs: number;
  readonly cpuMs: number;
}

const cpuMsOf = ({ user, system }: { readonly user: number; readonly system: number }): number =>
  (user + system) / 1000;

const mainThread = (): ThreadUse => ({
  activeMs: performance.eventLoopUtilization().active,
  cpuMs: cpuMsOf(process.threadCpuUsage()),
});

const workerThread = async (worker: Worker): Promise<ThreadUse> => ({
  activeMs: worker.performance.eventLoopUtilization().active,
  cpuMs: cpuMsOf(await worker.cpuUsage()),
});

const starvedMs = (before: ThreadUse, after: ThreadUse): number =>
  Math.max(0, after.activeMs - before.activeMs - (after.cpuMs - before.cpuMs));

/** Returns the milliseconds that count since a moment. */
export type Elapsed = () => Promise<number>;

/** Starts a measurement for work of this process and its stand-ins. */
export const sinceNow = (): Elapsed => {
  const startedAt = performance.now();
  const before = mainThread();
  return async () => performance.now() - startedAt - starvedMs(before, mainThread());
};

/**
 * Starts a measurement for work of a worker. The worker waits for this process's stand-ins, so their starved
 * time counts as its own.
 */
export const sinceNowIn = (worker: Worker): Elapsed => {
  const here = sinceNow();
  const before = workerThread(worker);
  // A worker that ends meanwhile reports so by its own events.
  before.catch(() => {});
  return async () => (await here()) - starvedMs(await before, await workerThread(worker));
};

/** Returns a function that reads a worker's processor time since its start. */
export const processorTimeOf =
  (worker: Worker): Elapsed =>
  async () =>
    (await workerThread(worker)).cpuMs;

/** Minimum wait before a limit is checked again. */
const leastWaitMs = 50;

/** Calls `expire` once `limitMs` have elapsed. The returned function cancels the limit. */
export const startLimit = (limitMs: number, elapsed: Elapsed, expire: () => void): (() => void) => {
  let timer: NodeJS.Timeout | undefined;
  let isOff = false;
  const look = async () => {
    // A worker that is still starting has no figures; one that has ended reports so by its own events.
    const leftMs = limitMs - (await elapsed().catch(() => 0));
    if (isOff) return;
    if (leftMs <= 0) expire();
    else timer = setTimeout(look, Math.max(leftMs, leastWaitMs));
  };
  timer = setTimeout(look, limitMs);
  return () => {
    isOff = true;
    clearTimeout(timer);
  };
};
