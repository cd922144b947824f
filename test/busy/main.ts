/**
 * `npm run test:busy`: the demo and the end-to-end trip test beside busy loops, as on a laptop with other
 * work. No time limit may fail there.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';

const root = join(import.meta.dirname, '..', '..');
const steps: readonly (readonly string[])[] = [
  [join('test', 'demo', 'main.ts')],
  [join('node_modules', 'vitest', 'vitest.mjs'), 'run', join('test', 'e2e', 'trip.test.ts')],
];

/** Starts a loop that ends with this process, even when that is killed. */
const startLoop = (): ChildProcess =>
  spawn('bash', ['-c', 'while kill -0 "$PPID" 2>/dev/null; do :; done'], { stdio: 'ignore' });

const succeeds = async (args: readonly string[]): Promise<boolean> => {
  const [code] = await once(spawn(process.execPath, args, { cwd: root, stdio: 'inherit' }), 'exit');
  return code === 0;
};

new Command('npm run test:busy --')
  .description('Runs the demo and the end-to-end test of the trip beside busy loops.')
  .option('--loops <number>', 'how many processes keep the processors busy', wholeNumber(0), 4)
  .action(async ({ loops }: { loops: number }) => {
    const busy = Array.from({ length: loops }, startLoop);
    const failed: string[] = [];
    try {
      for (const step of steps) if (!(await succeeds(step))) failed.push(step.join(' '));
    } finally {
      for (const loop of busy) loop.kill('SIGKILL');
    }
    console.log(
      failed.length === 0
        ? `Beside ${loops} busy loops: the demo and the trip passed.`
        : `Beside ${loops} busy loops failed: ${failed.join('; ')}`,
    );
    process.exitCode = failed.length === 0 ? 0 : 1;
  })
  .parse();
