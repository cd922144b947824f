/** Finds files of Git LFS that a checkout left as pointers, as git of this runner is not set up for LFS. */
import { join } from 'node:path';
import type { Git } from './git.ts';
import type { TaskFiles } from './task-file.ts';

/** Maximum size of a pointer file, and how it begins (git-lfs's docs/spec.md). */
const maxPointerBytes = 1024;
const pointerStart = 'version https://git-lfs.github.com/spec/v1\n';

export interface Checkouts {
  git: Git;
  files: TaskFiles;
  /** Folders of the checkout and its submodules. */
  folders: readonly string[];
  signal: AbortSignal;
}

/** Returns true when git gives the files of LFS their content, or fails the checkout. */
const isSetUp = async ({ git, folders: [folder = ''] }: Checkouts): Promise<boolean> => {
  const filters = ['config', '--get-regexp', '^filter[.]lfs[.](smudge|process)$'];
  return (await git.read(['-C', folder, ...filters])).code === 0;
};

/** Path of a pointer. Undefined when there is none, or git is set up for LFS. */
export const findPointer = async (checkouts: Checkouts): Promise<string | undefined> => {
  if (await isSetUp(checkouts)) return undefined;
  const { git, files, folders, signal } = checkouts;
  for (const folder of folders) {
    const { output } = await git.read(['-C', folder, 'ls-files', '-z', '--', ':(attr:filter=lfs)']);
    for (const name of output.split('\0').filter(Boolean)) {
      const path = join(folder, name);
      if ((await files.read(path, maxPointerBytes, signal))?.startsWith(pointerStart)) return path;
    }
  }
  return undefined;
};
