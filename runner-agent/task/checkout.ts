/** The checkout of a commit in the workspace of a task. Nothing here runs in the cache. */
import { relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TaskError } from '../errors.ts';
import type { Git } from './git.ts';
import { gitReason } from './git-failure.ts';
import { findPointer } from './lfs.ts';
import { updateSubmodules } from './submodules.ts';
import type { TaskFiles } from './task-file.ts';

export interface Checkout {
  git: Git;
  /** Git that may read the cache as well. It runs nothing that a repository brings. */
  fromCache: Git;
  /** Empty folder for the checkout. */
  folder: string;
  /** Looks at the checkout. */
  files: TaskFiles;
  /** URL of the repository, which git keeps as `origin`. */
  url: string;
  /** URL for people, without a login. */
  shown: string;
  /** Hash of the commit. */
  commit: string;
  /** Writes a line to the task's log. */
  say(text: string): Promise<void>;
  /** Aborts when the task is to end. */
  signal: AbortSignal;
}

const inFolder = ({ folder }: Checkout, ...args: string[]) => ['-C', folder, ...args];

/** Error for people. `messages` are git's. */
export const checkoutError = ({ shown, commit }: Checkout, messages: string) =>
  new TaskError(`Cannot check out ${shown} (${commit.slice(0, 12)}): ${gitReason(messages)}`);

/** Makes the folder a repository for the commit. Throws TaskError when git cannot. */
export const makeRepository = async (checkout: Checkout): Promise<void> => {
  const { git, folder, url, commit } = checkout;
  // Git before 2.29 knows no other format than SHA-1, and no such option.
  const format = commit.length === 64 ? ['--object-format=sha256'] : [];
  const calls = [['init', '--quiet', ...format, folder], inFolder(checkout, 'remote', 'add', 'origin', url)];
  for (const args of calls) {
    const { code, messages } = await git.run(args);
    if (code !== 0) throw checkoutError(checkout, messages);
  }
};

/** Fetches the commit from the cache. Returns the messages of a failed fetch. */
export const fetchFromCache = async (checkout: Checkout, cache: string): Promise<string | undefined> => {
  const fetch = ['fetch', '--quiet', '--depth=1', '--no-tags', pathToFileURL(cache).href, checkout.commit];
  const { code, messages } = await checkout.fromCache.run(inFolder(checkout, ...fetch));
  return code === 0 ? undefined : messages;
};

/**
 * Checks out the commit that was fetched, with its submodules, which may run programs such as the filters of
 * Git LFS. Throws TaskError when git cannot.
 */
export const checkOut = async (checkout: Checkout): Promise<void> => {
  const { git, folder, files, commit, say, signal } = checkout;
  const toCommit = inFolder(checkout, 'checkout', '--quiet', '--detach', commit);
  const { code, messages } = await git.run(toCommit);
  if (code !== 0) throw checkoutError(checkout, messages);
  const submodules = await updateSubmodules({ git, folder, files });
  const pointer = await findPointer({ git, files, folders: [folder, ...submodules], signal });
  if (pointer === undefined) return;
  await say(
    `${relative(folder, pointer)} is a pointer of Git LFS and not the file itself: install git-lfs on this runner, and run \`git lfs install --system\` there`,
  );
};
