import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { processorTimeOf, sinceNow, startLimit } from './time-limits.ts';

const expired = (limitMs: number, elapsed: () => Promise<number>): Promise<void> =>
  new Promise((resolve) => startLimit(limitMs, elapsed, resolve));

it('expires a limit only once its time was really given', async () => {
  const given = [3, 4, 10];
  const asked: number[] = [];
  await expired(10, async () => {
    const next = given.shift() ?? 0;
    asked.push(next);
    return next;
  });
  expect(asked).toEqual([3, 4, 10]);
});

it('counts the work of a thread by its processor time, not by the clock', async () => {
  const cpuMs = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  const before = cpuMs();
  const elapsed = sinceNow();
  while (cpuMs() - before < 300);
  await new Promise(setImmediate);
  const elapsedMs = await elapsed();
  expect(Math.abs(elapsedMs - (cpuMs() - before))).toBeLessThan(100);
});

it('returns the processor time of a worker that never yields', async () => {
  const worker = new Worker('for (;;);', { eval: true });
  await once(worker, 'online');
  const spent = processorTimeOf(worker);
  await expired(100, spent);
  expect(await spent()).toBeGreaterThanOrEqual(100);
  await worker.terminate();
});
