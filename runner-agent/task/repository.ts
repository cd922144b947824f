/** Fetches a task's repository: into its cache, and from there into the workspace. */
import { pathToFileURL } from 'node:url';
import type { TaskPayload } from '../../protocol/agent.ts';
import { gitReferenceFault, gitUrlFault } from '../../protocol/git-arguments.ts';
import type { Commit } from '../../protocol/result.ts';
import { TaskError } from '../errors.ts';
import { withPathLock } from '../process/path-lock.ts';
import { type Checkout, checkOut, checkoutError, fetchFromCache, makeRepository } from './checkout.ts';
import type { Git } from './git.ts';
import { gitFaultIn } from './git-failure.ts';
import { parseGitUrl } from './git-url.ts';
import { cacheFolder, rebuildCache, type Source, updateCache } from './repository-cache.ts';
import type { TaskFiles } from './task-file.ts';
import type { Workspace } from './workspace.ts';

export interface RepositoryOptions {
  repository: NonNullable<TaskPayload['repository']>;
  /** Folder of the project's repositories. */
  caches: string;
  workspace: Workspace;
  /** Looks at the checkout. */
  files: TaskFiles;
  /** Git in the cache, git in the workspace that may read the cache, and git in the workspace. */
  git: { inCache: Git; fromCache: Git; inWorkspace: Git };
  /** Writes a line to the task's log. */
  say(text: string): Promise<void>;
  /** Aborts when the task is to end. */
  signal: AbortSignal;
}

/** Returns true when the cache lacks files of its commit, by the messages of a fetch from it. */
const isOfCache = (messages: string): boolean => {
  const fault = gitFaultIn(messages);
  return fault !== 'disk_full' && fault !== 'owner';
};

/** Checks out the repository into the workspace's empty source folder. Throws TaskError when git cannot. */
export const fetchRepository = async (options: RepositoryOptions): Promise<Commit> => {
  const { repository, caches, workspace, files, git, say, signal } = options;
  const { branch: reference } = repository;
  const fault = gitUrlFault(repository.url) ?? gitReferenceFault(reference);
  if (fault !== undefined) throw new TaskError(`The repository's URL or branch ${fault}: correct it`);
  const shown = parseGitUrl(repository.url).url;
  // git ignores --depth for a plain path.
  const url = shown.startsWith('/') ? pathToFileURL(shown).href : shown;
  const cache = cacheFolder(caches, url);
  const source: Source = { git: git.inCache, cache, url, shown, reference, signal };
  const target = {
    git: git.inWorkspace,
    fromCache: git.fromCache,
    folder: workspace.source,
    files,
    url,
    shown,
    say,
    signal,
  };
  const checkoutOf = ({ hash }: Commit): Checkout => ({ ...target, commit: hash });

  let commit = await withPathLock(cache, signal, () => updateCache(source));
  await makeRepository(checkoutOf(commit));
  let problem = await fetchFromCache(checkoutOf(commit), cache);
  if (problem !== undefined && !signal.aborted && isOfCache(problem)) {
    // Within one lock, as another task may replace the cache at the same time.
    [commit, problem] = await withPathLock(cache, signal, async () => {
      const again = await rebuildCache(source);
      return [again, await fetchFromCache(checkoutOf(again), cache)];
    });
  }
  if (problem !== undefined) throw checkoutError(checkoutOf(commit), problem);
  await checkOut(checkoutOf(commit));
  return commit;
};
