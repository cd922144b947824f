/** The tools that the tests use, as they are on this machine. */
import { execFileSync, spawnSync } from 'node:child_process';

export const hasTool = (name: string): boolean =>
  spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined;

/** Says in one line, which CI counts, that a tool is missing; then its tests are skipped. */
export const isMissing = (name: string): boolean => {
  if (hasTool(name)) return false;
  process.stdout.write(`skipped: ${name} is not installed here\n`);
  return true;
};

/** Runs a tool and answers with its output; throws with what it said when it fails. */
export const run = (program: string, args: readonly string[], cwd?: string): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], ...(cwd && { cwd }) });
