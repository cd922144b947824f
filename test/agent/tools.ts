/** The tools on this machine that the tests use. */
import { execFileSync, spawnSync } from 'node:child_process';

export const hasTool = (name: string): boolean =>
  spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined;

/** Tools that `.ci/run` installs. */
const installedInCi: ReadonlySet<string> = new Set(['ansible-galaxy', 'git-lfs']);

/**
 * Returns true for a missing tool, whose tests are skipped. Prints one line, which CI counts. Throws in CI
 * for a tool that CI installs.
 */
export const isMissing = (name: string): boolean => {
  if (hasTool(name)) return false;
  if (process.env.CI && installedInCi.has(name))
    throw new Error(`${name} is not installed: .ci/run installs it, see install_tools there`);
  process.stdout.write(`skipped: ${name} is not installed here\n`);
  return true;
};

/** Runs a tool; returns its output, and throws with the output of a failed run. */
export const run = (program: string, args: readonly string[], cwd?: string): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], cwd });
