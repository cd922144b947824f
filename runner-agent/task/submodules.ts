/** Fetches the submodules of a checkout, level by level, so that a failure names the one that failed. */
import { join } from 'node:path';
import { TaskError } from '../errors.ts';
import { isThere } from '../paths.ts';
import type { Git } from './git.ts';
import { gitReason } from './git-failure.ts';
import { parseGitUrl } from './git-url.ts';

export interface Submodules {
  git: Git;
  /** Folder of the checkout. */
  folder: string;
  /** Variables with which git reaches the server of the task's repository. */
  environment: Record<string, string>;
}

/** Finds the failed submodule in the messages of `git submodule update`, which name not always its URL. */
const failedIn = (messages: string): { path: string; url?: string } | undefined => {
  const [, path] =
    /(?:Failed to clone|submodule path) '(.*?)'/.exec(messages.replaceAll(/^fatal: clone of .*$/gm, '')) ??
    [];
  const [, url] = /^fatal: clone of '(.*)' into submodule path /m.exec(messages) ?? [];
  return path === undefined ? undefined : { path, ...(url !== undefined && { url }) };
};

const explain = async ({ git, folder }: Submodules, above: string, messages: string): Promise<TaskError> => {
  const failed = failedIn(messages);
  if (!failed) return new TaskError(`Cannot fetch the submodules: ${gitReason(messages)}`);
  const origin = ['-C', join(folder, failed.path), 'config', '--get', 'remote.origin.url'];
  const { url } = parseGitUrl(failed.url ?? (await git.read(origin)).output);
  return new TaskError(
    `Cannot fetch the submodule ${join(above, failed.path)} (${url}): ${gitReason(messages)}`,
  );
};

/** Throws TaskError when git cannot. `above` is the path of the folder in the task's repository. */
export const updateSubmodules = async (submodules: Submodules, above = ''): Promise<void> => {
  const { git, folder, environment } = submodules;
  const inFolder = (...args: string[]) => ['-C', folder, ...args];
  const update = inFolder('submodule', 'update', '--quiet', '--init', '--depth=1');
  const { code, messages } = await git.run(update, environment);
  if (code !== 0) throw await explain(submodules, above, messages);
  // With NUL, as a path may have a line end. Git's own list has only those that were checked out.
  const list = inFolder('submodule', '--quiet', 'foreach', `printf '%s\\0' "$sm_path"`);
  for (const path of (await git.read(list)).output.split('\0').filter(Boolean)) {
    const inside = join(folder, path);
    if (await isThere(join(inside, '.gitmodules')))
      await updateSubmodules({ ...submodules, folder: inside }, join(above, path));
  }
};
