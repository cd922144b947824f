/** `npm run simulate`: runs many seeds, or one seed again with its trace. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { type RunResult, runSeed } from './random-run.ts';
import { createTally, printFailure } from './report.ts';

const flags = new Command('npm run simulate --')
  .description('Runs the control plane in virtual time under random faults, and checks each promise.')
  .option('--seeds <number>', 'how many runs', wholeNumber(1), 300)
  .option('--first <number>', 'the seed of the first', wholeNumber(1), 1)
  .option('--seed <number>', 'this run alone, with its whole trace if it fails', wholeNumber(1))
  .parse()
  .opts<{ seeds: number; first: number; seed?: number }>();
const write = (line: string) => console.log(line);
/** Number of failures in the output: enough to see the defect without much scrolling. */
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
if (flags.seed === undefined) {
  await runAll(flags.first, flags.first + flags.seeds - 1, (result) => {
    tally.add(result);
    if (result.violations.length > 0 && tally.failed.length <= failuresShown) printFailure(result, write, 30);
  });
} else {
  const result = await runSeed(flags.seed);
  tally.add(result);
  if (result.violations.length > 0) printFailure(result, write, Number.POSITIVE_INFINITY);
}
tally.print(write, performance.now() - beganMs);
const seeds = tally.failed.map(({ seed }) => seed).sort((a, b) => a - b);
if (seeds.length > 0) write(`Failed seeds: ${seeds.slice(0, 20).join(' ')}`);
process.exitCode = seeds.length > 0 ? 1 : 0;
