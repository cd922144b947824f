/**
 * Checks out a task's repository into its workspace, through a cache per project and URL that git updates.
 */
import { createHash } from 'node:crypto';
import { access, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { TaskPayload } from '../../protocol/agent.ts';
import { gitReferenceFault, gitUrlFault } from '../../protocol/git-arguments.ts';
import type { Commit } from '../../protocol/result.ts';
import { TaskError } from '../errors.ts';
import { withPathLock } from '../process/path-lock.ts';
import { parseGitUrl } from './git-url.ts';
import type { Workspace } from './workspace.ts';

type Repository = NonNullable<TaskPayload['repository']>;

/** Runs the git program. Provided by the task runner. */
export interface Git {
  /** Writes the output to the task's log. Returns the exit code. */
  run(args: string[], environment?: Record<string, string>): Promise<number>;
  /** Returns the output, without logging it; undefined when git fails. */
  read(args: string[], environment?: Record<string, string>): Promise<string | undefined>;
}

const hash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32);

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const mayBeCommit = (reference: string) => /^[0-9a-f]{7,64}$/.test(reference);
const isWholeHash = (reference: string) => /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(reference);

const makeCache = async (git: Git, cache: string): Promise<void> => {
  if (await isThere(join(cache, 'HEAD'))) return;
  await rm(cache, { recursive: true, force: true });
  await git.run(['init', '--quiet', '--bare', cache]);
  // Workspaces fetch a commit by its hash. Nothing may run in the cache once its lock is free.
  await git.run(['-C', cache, 'config', 'uploadpack.allowAnySHA1InWant', 'true']);
  await git.run(['-C', cache, 'config', 'gc.autoDetach', 'false']);
};

/** Removes the locks of a killed git. We hold the lock of the cache, so no other git works here. */
const removeStaleLocks = async (cache: string): Promise<void> => {
  for (const name of await readdir(cache)) if (name.endsWith('.lock')) await rm(join(cache, name));
};

interface Source {
  url: string;
  reference: string;
  environment: Record<string, string>;
}

/** Returns undefined when the cache has no such commit. */
const readCommit = async (git: Git, cache: string, name: string): Promise<Commit | undefined> => {
  const line = await git.read(['-C', cache, 'log', '-1', '--format=%H %s', `${name}^{commit}`, '--']);
  const [, hash, message = ''] = /^([0-9a-f]+) ?(.*)$/.exec(line ?? '') ?? [];
  return hash === undefined ? undefined : { hash, message: message.slice(0, 500) };
};

/** Fetches the current commit of the reference into the cache; undefined when git cannot. */
const update = async (git: Git, cache: string, source: Source): Promise<Commit | undefined> => {
  const { url, reference, environment } = source;
  const inCache = (...args: string[]) => ['-C', cache, ...args];
  const commitOf = (name: string) => readCommit(git, cache, name);
  await makeCache(git, cache);
  await removeStaleLocks(cache);

  if (mayBeCommit(reference)) {
    const known = isWholeHash(reference) ? await commitOf(reference) : undefined;
    if (known) return known;
    const one = inCache('fetch', '--quiet', '--depth=1', '--no-tags', '--', url, reference);
    if (isWholeHash(reference) && (await git.read(one, environment)) !== undefined)
      return commitOf('FETCH_HEAD');
    // Not every server serves a commit by its hash, and none by a part of it: fetch everything.
    const isShallow = await isThere(join(cache, 'shallow'));
    const everything = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];
    const all = ['fetch', '--quiet', ...(isShallow ? ['--unshallow'] : []), '--', url, ...everything];
    const code = await git.run(inCache(...all), environment);
    const found = code === 0 ? await commitOf(reference) : undefined;
    if (found) return found;
  }
  // Kept under a separate name, so that the next fetch need not download it again.
  const kept = `refs/reveille/${hash(reference)}`;
  const fetch = ['fetch', '--quiet', '--depth=1', '--no-tags', '--force', '--', url, `${reference}:${kept}`];
  return (await git.run(inCache(...fetch), environment)) === 0 ? commitOf(kept) : undefined;
};

/** Calls `update`, and repeats it with a new cache if the cache is broken. */
const updateOrRebuild = async (git: Git, cache: string, source: Source): Promise<Commit | undefined> => {
  const isNew = !(await isThere(cache));
  const found = await update(git, cache, source);
  if (found || isNew) return found;
  const isSound =
    (await git.read(['-C', cache, 'fsck', '--connectivity-only', '--no-dangling'])) !== undefined;
  if (isSound) return undefined;
  await rm(cache, { recursive: true, force: true });
  return update(git, cache, source);
};

export interface CheckoutOptions {
  repository: Repository;
  projectId: string;
  workDir: string;
  workspace: Workspace;
  git: Git;
  /** Variables from gitEnvironmentFor. */
  environment: Record<string, string>;
  /** Ends the wait for other tasks of the same repository. */
  signal: AbortSignal;
}

/** Checks out the repository into the workspace's empty source folder. Throws TaskError when git cannot. */
export const checkOut = async (options: CheckoutOptions): Promise<Commit> => {
  const { repository, projectId, workDir, workspace, git, environment, signal } = options;
  const { branch } = repository;
  const fault = gitUrlFault(repository.url) ?? gitReferenceFault(branch);
  if (fault !== undefined) throw new TaskError(`The repository's URL or branch ${fault}: correct it`);
  // git ignores --depth for a plain path.
  const shown = parseGitUrl(repository.url).url;
  const url = shown.startsWith('/') ? pathToFileURL(shown).href : shown;
  const cache = join(workDir, 'repositories', projectId, `${hash(url)}.git`);
  const fetched = await withPathLock(cache, signal, () =>
    updateOrRebuild(git, cache, { url, reference: branch, environment }),
  );
  const fail = () =>
    new TaskError(`Cannot fetch ${shown} (${branch}): see the log, and check URL, branch, key and host key`);
  if (fetched === undefined) throw fail();

  const inSource = (...args: string[]) => ['-C', workspace.source, ...args];
  const calls = [
    ['init', '--quiet', workspace.source],
    inSource('remote', 'add', 'origin', url),
    inSource('fetch', '--quiet', '--depth=1', '--no-tags', pathToFileURL(cache).href, fetched.hash),
    inSource('checkout', '--quiet', '--detach', fetched.hash),
  ];
  for (const args of calls) if ((await git.run(args)) !== 0) throw fail();
  if (await isThere(join(workspace.source, '.gitmodules'))) {
    const args = inSource('submodule', 'update', '--quiet', '--init', '--recursive', '--depth=1');
    if ((await git.run(args, environment)) !== 0) throw fail();
  }
  return fetched;
};
