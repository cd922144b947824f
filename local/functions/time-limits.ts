/**
 * Time limits in the time that this machine gave. AWS runs each function on its own processor share; a laptop with other work does
 * not, and a limit in wall time would end there what AWS lets live. So a thread's time counts without the time in which the
 * thread wanted to run and other work had the processor.
 */
import { performance } from 'node:perf_hooks';
import type { Worker } from 'node:worker_threads';

/** A thread's own record: how long its event loop was busy, and how much of that the processor worked for it. */
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

/** Gives the milliseconds that count since a moment. */
export type Elapsed = () => Promise<number>;

/** From now on, for what this process answers by itself and by its stand-ins. */
export const sinceNow = (): Elapsed => {
  const startedAt = performance.now();
  const before = mainThread();
  return async () => performance.now() - startedAt - starvedMs(before, mainThread());
};

/** From now on, for what a worker does; it waits for this process's stand-ins, so their lack of time counts as its own. */
export const sinceNowIn = (worker: Worker): Elapsed => {
  const here = sinceNow();
  const before = workerThread(worker);
  // A worker that ends meanwhile says so by its own events.
  before.catch(() => {});
  return async () => (await here()) - starvedMs(await before, await workerThread(worker));
};

/** The processor time of a worker since its start. */
export const processorTimeOf =
  (worker: Worker): Elapsed =>
  async () =>
    (await workerThread(worker)).cpuMs;

/** A limit that is nearly reached is looked at again after this. */
const leastWaitMs = 50;

/** Calls `expire` when `limitMs` have elapsed. The returned function calls the limit off. */
export const startLimit = (limitMs: number, elapsed: Elapsed, expire: () => void): (() => void) => {
  let timer: NodeJS.Timeout | undefined;
  let isOff = false;
  const look = async () => {
    // A worker that has not come up yet has no figures; one that has ended tells so by its own events.
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
