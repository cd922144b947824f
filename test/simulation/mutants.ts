/**
 * `npm run simulate:mutants`: adds one defect at a time to the product, and requires that the simulation
 * detects each. It tries first the seed that caught the mutant before, and then others.
 */
import { readFile, writeFile } from 'node:fs/promises';
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
  .option('--remember', 'write the seeds that caught mutants to mutant-seeds.json')
  .parse();
const { seeds: most, only, remember } = program.opts<{ seeds: number; only: string[]; remember?: true }>();
/** Seeds that caught the mutants, by name. */
const seedsFile = resolve(import.meta.dirname, 'mutant-seeds.json');
const known = new Map(
  Object.entries(z.record(z.string(), z.int()).parse(JSON.parse(await readFile(seedsFile, 'utf8')))),
);
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

/** Finds the first seed of these whose run shows a violation or crashes. */
const hunt = (file: string, first: number, last: number): Promise<Verdict | undefined> =>
  new Promise((settle) => {
    const worker = new Worker(file, { workerData: { first, step: 1, last } });
    let seed = first - 1;
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
    const file = await bundle(mutant, number);
    const before = known.get(mutant.name);
    const again = before === undefined ? undefined : await hunt(file, before, before);
    const found = again ?? (await hunt(file, 1, most));
    if (found) caught += 1;
    else missed.push(mutant.name);
    if (found) known.set(mutant.name, found.seed);
    console.log(
      found
        ? `caught by seed ${String(found.seed).padEnd(4)} ${mutant.name}\n${' '.repeat(20)}${found.violations[0]?.slice(0, 140)}`
        : `NOT CAUGHT by ${most} seeds: ${mutant.name}`,
    );
  }
};
await Promise.all(Array.from({ length: availableParallelism() }, work));
if (remember) {
  const named = mutants.flatMap(({ name }) => {
    const seed = known.get(name);
    return seed === undefined ? [] : [[name, seed]];
  });
  await writeFile(seedsFile, `${JSON.stringify(Object.fromEntries(named), undefined, 2)}\n`);
}
console.log(`\n${caught} of ${caught + missed.length} mutants caught`);
process.exitCode = missed.length > 0 ? 1 : 0;
