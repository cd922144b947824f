/** The tools on this machine that the tests use. */
import { execFileSync, spawnSync } from 'node:child_process';

export const hasTool = (name: string): boolean =>
  spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined;

/** Returns true for a missing tool, whose tests are skipped. Prints one line, which CI counts. */
export const isMissing = (name: string): boolean => {
  if (hasTool(name)) return false;
  process.stdout.write(`skipped: ${name} is not installed here\n`);
  return true;
};

/** Runs a tool; returns its output, and throws with the output of a failed run. */
export const run = (program: string, args: readonly string[], cwd?: string): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], cwd });
