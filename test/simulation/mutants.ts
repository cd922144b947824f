/**
 * `npm run simulate:mutants`: adds one defect at a time to the product, and requires that the simulation
 * detects each.
 */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Command } from 'commander';
import { build } from 'esbuild';
import * as z from 'zod';
import { wholeNumber } from '../arguments.ts';
import { type Mutant, mutants } from './mutant-list.ts';

const program = new Command('npm run simulate:mutants --')
  .description('Breaks the product on purpose, one way at a time, and demands that the simulation notices.')
  .option('--seeds <number>', 'how many runs a mutant may survive', wholeNumber(1), 2500)
  .option('--only <texts...>', 'mutants with one of these in their names', [''])
  .parse();
const { seeds: most, only } = program.opts<{ seeds: number; only: string[] }>();
const root = resolve(import.meta.dirname, '../..');
/** Folder inside the repository, so that packages are found from there. */
const folder = resolve(root, 'dist/mutants');

const verdict = z.object({ seed: z.int(), violations: z.array(z.string()) });
type Verdict = z.infer<typeof verdict>;

/** Bundles a copy of the simulation with the mutant. */
const bundle = async (mutant: Mutant, number: number): Promise<string> => {
  const outfile = resolve(folder, `${number}.mjs`);
  await build({
    entryPoints: [resolve(root, 'test/simulation/seed-worker.ts')],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
    plugins: [
      {
        name: 'mutant',
        setup: ({ onLoad }) => {
          const path = resolve(root, mutant.file);
          onLoad({ filter: /\.ts$/ }, async (args) => {
            if (args.path !== path) return undefined;
            const text = await readFile(path, 'utf8');
            if (!text.includes(mutant.from)) {
              throw new Error(`${mutant.file} has changed: bring the mutant "${mutant.name}" up to date`);
            }
            return { contents: text.replace(mutant.from, mutant.to), loader: 'ts' };
          });
        },
      },
    ],
  });
  return outfile;
};

/** Finds the first seed whose run shows a violation or crashes. */
const hunt = (file: string): Promise<Verdict | undefined> =>
  new Promise((settle) => {
    const worker = new Worker(file, { workerData: { first: 1, step: 1, last: most } });
    let seed = 0;
    const end = (found: Verdict | undefined) => {
      settle(found);
      void worker.terminate();
    };
    worker.on('message', (message: unknown) => {
      const result = verdict.parse(message);
      seed = result.seed;
      if (result.violations.length > 0) end(result);
    });
    worker.on('error', (error) => end({ seed: seed + 1, violations: [`the run broke: ${String(error)}`] }));
    worker.on('exit', () => settle(undefined));
  });

const waiting = mutants
  .map((mutant, number) => ({ mutant, number }))
  .filter(({ mutant }) => only.some((text) => mutant.name.includes(text)));
const unknown = only.filter((text) => !mutants.some(({ name }) => name.includes(text)));
if (unknown.length > 0) program.error(`error: no mutant has "${unknown.join('" or "')}" in its name`);
const missed: string[] = [];
let caught = 0;
const work = async () => {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const { mutant, number } = next;
    const found = await hunt(await bundle(mutant, number));
    if (found) caught += 1;
    else missed.push(mutant.name);
    console.log(
      found
        ? `caught by seed ${String(found.seed).padEnd(4)} ${mutant.name}\n${' '.repeat(20)}${found.violations[0]?.slice(0, 140)}`
        : `NOT CAUGHT by ${most} seeds: ${mutant.name}`,
    );
  }
};
await Promise.all(Array.from({ length: availableParallelism() }, work));
console.log(`\n${caught} of ${caught + missed.length} mutants caught`);
process.exitCode = missed.length > 0 ? 1 : 0;
