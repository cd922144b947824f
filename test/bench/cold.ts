/**
 * `npm run bench:cold`: what a cold start takes of our code. For each function: the bytes that its load
 * reads, and the processor time of the load, the median of fresh processes; beside the same of another
 * commit with `--against`. Then the parts of a task's start on a sleeping instance, and their calls. Exits
 * with 1 when a gate fails: those of bytes and calls always, those of ratios with `--against`.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { bundle } from '../../infra/bundle.ts';
import { wholeNumber } from '../arguments.ts';
import { median } from '../median.ts';
import { git, inCheckout, root } from './checkout.ts';
import { measureColdStart } from './cold-start.ts';
import { type BundledFunction, copyFunctions, loadedBytes, loadMs } from './loads.ts';

const { against, tries } = new Command('npm run bench:cold --')
  .description('What a cold start takes of our code: bytes, processor time of a load, calls.')
  .option('--against <commit>', 'another commit, whose functions are measured beside')
  .option('--tries <number>', 'fresh processes for each load; the medians count', wholeNumber(1), 10)
  .parse()
  .opts<{ against?: string; tries: number }>();

interface Gate {
  readonly bytes: number;
  /** Share of the processor time of the same function of 5b858a6. */
  readonly ratio: number;
}
const power: Gate = { bytes: 500_000, ratio: 0.4 };
const gates: Readonly<Record<string, Gate>> = {
  'task-start': power,
  'task-finish': power,
  'runner-power': power,
  'instance-events': power,
  api: { bytes: 900_000, ratio: 0.55 },
};
/** Calls of a task's start as it is; who adds one says why here. */
const callGates: Readonly<Record<string, number>> = {
  'POST: AWS calls of api': 9,
  'wake: AWS calls of runner-power': 6,
  "instance up to finish: agent's calls of api": 7,
  'instance up to finish: AWS calls of api': 30,
};

const failures: string[] = [];
const check = (what: string, value: number, gate: number | undefined, unit: string): void => {
  if (gate !== undefined && value > gate) failures.push(`${what}: ${value} ${unit}, over ${gate}`);
};

const measureLoads = (after: readonly BundledFunction[], before: readonly BundledFunction[]): void => {
  const known = new Map(before.map((one) => [one.name, one]));
  const other = against === undefined ? '' : git('rev-parse', '--short', against);
  console.log(`\n${''.padEnd(20)}       bytes    load${other && `   ${other}   ratio`}`);
  for (const one of after) {
    const old = known.get(one.name);
    // In turns, so that a busy moment of the machine meets both.
    const pairs = Array.from({ length: tries }, () => [loadMs(one), old ? loadMs(old) : 0] as const);
    const [ms, oldMs] = [median(pairs.map(([now]) => now)), median(pairs.map(([, then]) => then))];
    const [bytes, ratio] = [loadedBytes(one), Number((ms / oldMs).toFixed(2))];
    const beside = old ? `${oldMs.toFixed(0).padStart(7)} ms ${ratio.toFixed(2).padStart(7)}` : '';
    console.log(
      `${one.name.padEnd(20)} ${String(bytes).padStart(11)} ${ms.toFixed(0).padStart(4)} ms${beside}`,
    );
    check(one.name, bytes, gates[one.name]?.bytes, 'bytes');
    if (old) check(one.name, ratio, gates[one.name]?.ratio, `of the load of ${other}`);
  }
};

await bundle(root);
using folder = mkdtempDisposableSync(join(tmpdir(), 'reveille-bench-'));
const after = copyFunctions(root, join(folder.path, 'after'));
if (against === undefined) measureLoads(after, []);
else
  await inCheckout(against, async (checkout) => {
    execFileSync('node', ['infra/bundle.ts'], { cwd: checkout });
    measureLoads(after, copyFunctions(checkout, join(folder.path, 'before')));
  });

const { partsMs, calls } = await measureColdStart();
console.log("\nA task on a sleeping instance, on one machine, with EC2's delays at 0\n");
for (const [part, ms] of Object.entries(partsMs))
  console.log(`${part.padEnd(46)} ${(ms / 1000).toFixed(2).padStart(6)} s`);
for (const [what, count] of Object.entries(calls)) {
  console.log(`${what.padEnd(46)} ${String(count).padStart(6)}`);
  check(what, count, callGates[what], 'calls');
}
for (const failure of failures) console.error(`FAILED  ${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;
