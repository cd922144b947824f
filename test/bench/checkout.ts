/** A new checkout of a commit, where nothing has been built yet, to measure it beside another. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

export const git = (...args: string[]): string =>
  execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();

const lockFile = (folder: string): string => readFileSync(join(folder, 'package-lock.json'), 'utf8');

/** Calls `work` with the folder of a checkout, which has its packages, and removes it afterwards. */
export const inCheckout = async <T>(commit: string, work: (folder: string) => Promise<T>): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), 'reveille-bench-'));
  git('worktree', 'add', '--quiet', '--detach', '--force', folder, commit);
  try {
    if (lockFile(folder) === lockFile(root))
      symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    else execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--silent'], { cwd: folder });
    return await work(folder);
  } finally {
    git('worktree', 'remove', '--force', folder);
  }
};
