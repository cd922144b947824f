/** Worker that runs the given seeds one after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import * as z from 'zod';
import { runSeed } from './random-run.ts';

const { first, step, last } = z.object({ first: z.int(), step: z.int(), last: z.int() }).parse(workerData);

for (let seed = first; seed <= last; seed += step) parentPort?.postMessage(await runSeed(seed));
