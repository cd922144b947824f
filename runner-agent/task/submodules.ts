/** Fetches the submodules of a checkout, level by level, so that a failure names the one that failed. */
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TaskError } from '../errors.ts';
import type { Git } from './git.ts';
import { gitFaultIn, gitReason } from './git-failure.ts';
import { isLocal, parseGitUrl } from './git-url.ts';
import type { TaskFiles } from './task-file.ts';

export interface Submodules {
  git: Git;
  /** Folder of the checkout. */
  folder: string;
  /** Looks at the checkout. */
  files: TaskFiles;
}

/** Finds the failed submodule in the messages of `git submodule update`, which name not always its URL. */
const failedIn = (messages: string): { path: string; url?: string } | undefined => {
  const [, path] =
    /(?:Failed to clone|submodule path) '(.*?)'/.exec(messages.replaceAll(/^fatal: clone of .*$/gm, '')) ??
    [];
  const [, url] = /^fatal: clone of '(.*)' into submodule path /m.exec(messages) ?? [];
  return path === undefined ? undefined : { path, ...(url !== undefined && { url }) };
};

/** URL from which a checkout was fetched. */
const originOf = async (git: Git, folder: string): Promise<string> =>
  (await git.read(['-C', folder, 'config', '--get', 'remote.origin.url'])).output;

const explain = async ({ git, folder }: Submodules, above: string, messages: string): Promise<TaskError> => {
  const failed = failedIn(messages);
  if (!failed) return new TaskError(`Cannot fetch the submodules: ${gitReason(messages)}`);
  const { url } = parseGitUrl(failed.url ?? (await originOf(git, join(folder, failed.path))));
  return new TaskError(
    `Cannot fetch the submodule ${join(above, failed.path)} (${url}): ${gitReason(messages)}`,
  );
};

/** Fetches the history of all branches and tags of a submodule. Returns false when git cannot. */
const fetchEverything = async ({ git, folder }: Submodules, path: string): Promise<boolean> => {
  const everything = ['+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*'];
  // The largest depth is all of it (git-fetch(1)); --unshallow refuses a history that is whole.
  const fetch = ['fetch', '--quiet', '--depth=2147483647', 'origin', ...everything];
  return (await git.read(['-C', join(folder, path), ...fetch])).code === 0;
};

/** Matches a path as git does: no colon, or a slash before it. */
const localPath = /^[^:/]*(\/|$)/;

/**
 * Replaces the paths of submodules by file URLs. git links the objects of a path into the clone (--local in
 * git-clone(1)), and the owner of the checkout would own them in both.
 */
const writeFileUrls = async (git: Git, folder: string): Promise<void> => {
  const inFolder = (...args: string[]) => git.read(['-C', folder, ...args]);
  await inFolder('submodule', '--quiet', 'init');
  const { output } = await inFolder('config', '--null', '--get-regexp', '^submodule[.].*[.]url$');
  for (const setting of output.split('\0').filter(Boolean)) {
    const [name = '', url = ''] = setting.split('\n');
    if (localPath.test(url)) await inFolder('config', name, pathToFileURL(resolve(folder, url)).href);
  }
};

/**
 * Fetches the submodules of one level. A server of an old protocol (plain ssh) gives out no commit by its
 * hash: of such a submodule everything is fetched.
 */
const updateLevel = async (submodules: Submodules, above: string): Promise<void> => {
  const { git, folder } = submodules;
  const mayBeLocal = isLocal(await originOf(git, folder));
  if (mayBeLocal) await writeFileUrls(git, folder);
  // Only a repository on this machine may name another one there (CVE-2022-39253).
  const allowed = mayBeLocal ? ['-c', 'protocol.file.allow=always'] : [];
  const update = [...allowed, '-C', folder, 'submodule', 'update', '--quiet', '--init', '--depth=1'];
  const tried = new Set<string>();
  for (;;) {
    const { code, messages } = await git.read(update);
    if (code === 0) return;
    const path = gitFaultIn(messages) === 'no_reference' ? failedIn(messages)?.path : undefined;
    if (path === undefined || tried.has(path) || !(await fetchEverything(submodules, path))) {
      await git.show(messages);
      throw await explain(submodules, above, messages);
    }
    tried.add(path);
  }
};

/**
 * Returns the folders of all submodules. Throws TaskError when git cannot fetch one. `above` is the path of
 * the folder in the task's repository.
 */
export const updateSubmodules = async (submodules: Submodules, above = ''): Promise<string[]> => {
  const { git, folder, files } = submodules;
  if (!(await files.exists(join(folder, '.gitmodules')))) return [];
  await updateLevel(submodules, above);
  // With NUL, as a path may have a line end. Git's own list has only those that were checked out.
  const list = ['-C', folder, 'submodule', '--quiet', 'foreach', `printf '%s\\0' "$sm_path"`];
  const folders: string[] = [];
  for (const path of (await git.read(list)).output.split('\0').filter(Boolean)) {
    const inside = join(folder, path);
    const nested = await updateSubmodules({ ...submodules, folder: inside }, join(above, path));
    folders.push(inside, ...nested);
  }
  return folders;
};
