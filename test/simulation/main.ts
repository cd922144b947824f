/** `npm run simulate`: many random runs, or one seed again with its trace. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import * as z from 'zod';
import { type RunResult, runSeed } from './random-run.ts';
import { createTally, printFailure } from './report.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '300' },
    first: { type: 'string', default: '1' },
    seed: { type: 'string' },
  },
});
const count = z.coerce.number().int().min(1);
const write = (line: string) => console.log(line);
/** Enough to see what is wrong without scrolling for ever. */
const failuresShown = 3;

const runAll = async (first: number, last: number, onResult: (result: RunResult) => void): Promise<void> => {
  const threads = Math.min(availableParallelism(), last - first + 1);
  await Promise.all(
    Array.from({ length: threads }, (_, thread) => {
      const workerData = { first: first + thread, step: threads, last };
      const worker = new Worker(new URL('./seed-worker.ts', import.meta.url), { workerData });
      worker.on('message', onResult);
      return new Promise<void>((resolve, reject) => {
        worker.on('error', reject);
        worker.on('exit', () => resolve());
      });
    }),
  );
};

const beganMs = performance.now();
const tally = createTally();
if (values.seed === undefined) {
  const first = count.parse(values.first);
  await runAll(first, first + count.parse(values.seeds) - 1, (result) => {
    tally.add(result);
    if (result.violations.length > 0 && tally.failed.length <= failuresShown) printFailure(result, write, 30);
  });
} else {
  const result = await runSeed(count.parse(values.seed));
  tally.add(result);
  if (result.violations.length > 0) printFailure(result, write, Number.POSITIVE_INFINITY);
}
tally.print(write, performance.now() - beganMs);
const seeds = tally.failed.map(({ seed }) => seed).sort((a, b) => a - b);
if (seeds.length > 0) write(`Failed seeds: ${seeds.slice(0, 20).join(' ')}`);
process.exitCode = seeds.length > 0 ? 1 : 0;
