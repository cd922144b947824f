/**
 * `npm run bench:desk`: what Reveille takes on a developer's machine. For `npm start`: time until it is
 * ready, its processor time and its memory, at the first and the second start. For `npm run demo`: its
 * processor time, and how long its tasks wait. Measures a new checkout of this commit and of another one in
 * one run, and prints the ratios. Needs Linux, for /proc.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import * as z from 'zod';
import { wholeNumber } from '../arguments.ts';
import { median } from '../median.ts';
import { git, inCheckout } from './checkout.ts';
import { memoryOf, processorMsOf } from './processes.ts';

const { against, tries } = new Command('npm run bench:desk --')
  .description('What `npm start` and `npm run demo` take, beside the same of another commit.')
  .option('--against <commit>', 'the commit to compare with', 'HEAD~1')
  .option('--tries <number>', 'how often each commit is measured; the medians count', wholeNumber(1), 1)
  .parse()
  .opts<{ against: string; tries: number }>();

/** Figures of one checkout, by their names in the table. */
type Figures = Record<string, number>;

/** Line of `npm start` with the address of the console; it is printed when the stack is ready. */
const readyLine = /http:\/\/(localhost|127\.0\.0\.1):\d+/;

const measureStart = async (checkout: string, name: string): Promise<Figures> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'reveille-bench-'));
  const startedMs = performance.now();
  const child = spawn('npm', ['start', '--silent', '--', '--port', '0', '--data', dataDir], {
    cwd: checkout,
    stdio: ['ignore', 'pipe', 'inherit'],
    // A group of its own, as in a terminal, where Ctrl-C reaches npm and the program.
    detached: true,
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  try {
    const isReady = await new Promise<boolean>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => readyLine.test(line) && resolve(true));
      child.on('close', () => resolve(false));
    });
    const { pid } = child;
    if (!isReady || pid === undefined)
      throw new Error(`npm start ended in ${checkout} before it was ready: see above.`);
    return {
      [`${name} start: ready after, s`]: (performance.now() - startedMs) / 1000,
      [`${name} start: processor time, s`]: processorMsOf(pid) / 1000,
      [`${name} start: memory, MB`]: memoryOf(pid) / 1e6,
    };
  } finally {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGINT');
    await ended;
    rmSync(dataDir, { recursive: true, force: true });
  }
};

const demoResult = z.object({ medianQueueToRunningMs: z.number() });

const measureDemo = (checkout: string): Figures => {
  // The shell's `times` prints its own processor times, then those of the processes that it waited for.
  const output = execFileSync('bash', ['-c', 'npm run --silent demo && times'], {
    cwd: checkout,
    encoding: 'utf8',
  });
  const lines = output.trimEnd().split('\n');
  const result = lines.find((line) => line.startsWith('{"tasks"')) ?? '{}';
  const times = [...(lines.at(-1) ?? '').matchAll(/(\d+)m([\d.]+)s/g)];
  return {
    'demo: processor time, s': times.reduce(
      (sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest),
      0,
    ),
    'demo: median wait of a task, s': demoResult.parse(JSON.parse(result)).medianQueueToRunningMs / 1000,
  };
};

/** Measures a new checkout of the commit, where nothing has been built yet. */
const measure = (commit: string): Promise<Figures> =>
  inCheckout(commit, async (checkout) => ({
    ...(await measureStart(checkout, 'first')),
    ...(await measureStart(checkout, 'second')),
    ...measureDemo(checkout),
  }));

const before: Figures[] = [];
const after: Figures[] = [];
for (let n = 1; n <= tries; n += 1) {
  before.push(await measure(against));
  after.push(await measure('HEAD'));
}
console.log(
  `\n${''.padEnd(34)} ${git('rev-parse', '--short', against).padStart(9)} ${git('rev-parse', '--short', 'HEAD').padStart(9)}   ratio`,
);
for (const name of Object.keys(after[0] ?? {})) {
  const of = (all: readonly Figures[]) => median(all.map((one) => one[name] ?? Number.NaN));
  console.log(
    `${name.padEnd(34)} ${of(before).toFixed(1).padStart(9)} ${of(after).toFixed(1).padStart(9)} ${(of(after) / of(before)).toFixed(2).padStart(7)}`,
  );
}
