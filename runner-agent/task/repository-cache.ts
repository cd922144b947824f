/**
 * The cache of a repository: a bare repository for each project and URL, which git updates. Nothing here runs
 * in the workspace of a task.
 */
import { createHash } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Commit } from '../../protocol/result.ts';
import { TaskError } from '../errors.ts';
import { isThere } from '../paths.ts';
import type { Git } from './git.ts';
import { gitFaultIn, gitReason, isOtherFormat } from './git-failure.ts';

/** A commit to fetch, and the cache for it. The caller holds the lock of the cache. */
export interface Source {
  git: Git;
  /** Folder of the cache. */
  cache: string;
  url: string;
  /** URL for people, without a login. */
  shown: string;
  /** Branch, tag, full name of a reference, or a hash of at least 7 digits. */
  reference: string;
  /** Aborts when the task is to end. */
  signal: AbortSignal;
}

interface Attempt {
  commit?: Commit;
  /** Messages of git; empty when git succeeded without the commit. */
  messages: string;
}

const hash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32);

/** Folder of the cache of this URL, in the folder of the project's caches. */
export const cacheFolder = (caches: string, url: string): string => join(caches, `${hash(url)}.git`);

const mayBeCommit = (reference: string) => /^[0-9a-f]{7,64}$/.test(reference);
const isWholeHash = (reference: string) => /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(reference);

/** Names the cache itself, so that git searches for no other repository when it is broken. */
const inCache = ({ cache }: Source, ...args: string[]) => [`--git-dir=${cache}`, ...args];

/** Creates an empty cache in place of what is there. */
const makeCache = async (source: Source, format?: 'sha1' | 'sha256'): Promise<void> => {
  const { git, cache } = source;
  // Made beside it: a cache that is there is whole.
  const made = `${cache}.new`;
  await rm(made, { recursive: true, force: true });
  const init = ['init', '--quiet', '--bare', ...(format ? [`--object-format=${format}`] : []), made];
  // Workspaces fetch a commit by its hash. Nothing may run in the cache once its lock is free.
  const settings = { 'uploadpack.allowAnySHA1InWant': 'true', 'gc.autoDetach': 'false' };
  const calls = Object.entries(settings).map(([name, value]) => [`--git-dir=${made}`, 'config', name, value]);
  for (const args of [init, ...calls]) {
    const { code, messages } = await git.run(args);
    if (code !== 0) throw new TaskError(`Cannot make the cache of ${source.shown}: ${gitReason(messages)}`);
  }
  await rm(cache, { recursive: true, force: true });
  await rename(made, cache);
};

/**
 * Removes the remains of a killed git: locks, and unfinished packs, which may be as large as the repository.
 * We hold the lock of the cache, so no other git writes here. No reference's name ends with ".lock"
 * (git-check-ref-format(1)).
 */
const removeRemains = async (cache: string): Promise<void> => {
  for (const entry of await readdir(cache, { recursive: true, withFileTypes: true })) {
    const isRemain = entry.name.endsWith('.lock') || /^tmp_(pack|idx|rev|obj)_/.test(entry.name);
    if (isRemain) await rm(join(entry.parentPath, entry.name), { recursive: true, force: true });
  }
};

/** Undefined when the cache has no such commit. */
const readCommit = async (source: Source, name: string): Promise<Commit | undefined> => {
  const show = inCache(source, 'log', '-1', '--format=%H %s', `${name}^{commit}`, '--');
  const { code, output } = await source.git.read(show);
  const [, hash, message = ''] = /^([0-9a-f]+) ?(.*)$/.exec(code === 0 ? output : '') ?? [];
  return hash === undefined ? undefined : { hash, message: message.slice(0, 500) };
};

/** Fetches from the server of the source. */
const fetch = (source: Source, flags: readonly string[], ...references: string[]) =>
  source.git.read(inCache(source, 'fetch', '--quiet', ...flags, '--', source.url, ...references));

/** Fetches a branch, else what git finds by that name, such as a tag or `pull/1/head`. */
const fetchName = async (source: Source): Promise<Attempt> => {
  const { reference } = source;
  // Kept under a separate name, so that the next fetch need not download it again.
  const kept = `refs/reveille/${hash(reference)}`;
  const names = reference.startsWith('refs/') ? [reference] : [`refs/heads/${reference}`, reference];
  let messages = '';
  for (const name of names) {
    const fetched = await fetch(source, ['--depth=1', '--no-tags', '--force'], `${name}:${kept}`);
    messages = fetched.messages;
    if (fetched.code === 0) return { commit: await readCommit(source, kept), messages };
    if (gitFaultIn(messages) !== 'no_reference') break;
  }
  return { messages };
};

/** Fetches a commit by its hash or a part of it, or takes it from the cache. */
const fetchHash = async (source: Source): Promise<Attempt> => {
  const { cache, reference } = source;
  if (isWholeHash(reference)) {
    const known = await readCommit(source, reference);
    if (known) return { commit: known, messages: '' };
    const { code, messages } = await fetch(source, ['--depth=1', '--no-tags'], reference);
    if (code === 0) return { commit: await readCommit(source, reference), messages };
    const fault = gitFaultIn(messages);
    if (fault !== undefined && fault !== 'no_reference') return { messages };
  }
  // Not every server serves a commit by its hash, and none by a part of it: fetch everything. References that
  // the server deleted go, as "topic" prevents "topic/one".
  const shallow = (await isThere(join(cache, 'shallow'))) ? ['--unshallow'] : [];
  const everything = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];
  const { code, messages } = await fetch(source, ['--prune', ...shallow], ...everything);
  return code === 0 ? { commit: await readCommit(source, reference), messages: '' } : { messages };
};

const isMissing = ({ commit, messages }: Attempt) =>
  commit === undefined && (messages === '' || gitFaultIn(messages) === 'no_reference');

/** Fetches the current commit of the reference into the cache. */
const fetchCommit = async (source: Source): Promise<Attempt> => {
  const { reference } = source;
  if (!mayBeCommit(reference)) return fetchName(source);
  // A name that looks like a part of a hash, such as a date, is a name first, as for git itself.
  const [first, second] = isWholeHash(reference) ? [fetchHash, fetchName] : [fetchName, fetchHash];
  const attempt = await first(source);
  if (!isMissing(attempt)) return attempt;
  const other = await second(source);
  // A commit that is missed in a fetched cache may be missing because the cache is broken.
  return attempt.messages === '' && isMissing(other) ? attempt : other;
};

/** Fetches the commit. A cache with another object format than the server's is replaced by an empty one. */
const fetchInFormat = async (source: Source): Promise<Attempt> => {
  const attempt = await fetchCommit(source);
  if (!isOtherFormat(attempt.messages)) return attempt;
  const { output } = await source.git.read(inCache(source, 'rev-parse', '--show-object-format'));
  await makeCache(source, output === 'sha1' ? 'sha256' : 'sha1');
  return fetchCommit(source);
};

/** Decides by git's messages: a new cache costs a whole download, and helps only if the old one is broken. */
const isCacheAtFault = async (source: Source, messages: string): Promise<boolean> => {
  if (messages !== '') {
    const fault = gitFaultIn(messages);
    if (fault !== 'broken_off') return fault === undefined;
  }
  const check = inCache(source, 'fsck', '--connectivity-only', '--no-dangling');
  return (await source.git.read(check)).code !== 0;
};

const orThrow = async ({ git, shown, reference }: Source, attempt: Attempt): Promise<Commit> => {
  await git.show(attempt.messages);
  if (attempt.commit) return attempt.commit;
  const why = gitReason(attempt.messages || "couldn't find remote ref");
  throw new TaskError(`Cannot fetch ${shown} (${reference}): ${why}`);
};

/** Makes an empty cache and fetches the commit. Throws TaskError when git cannot. */
export const rebuildCache = async (source: Source): Promise<Commit> => {
  await makeCache(source);
  return orThrow(source, await fetchInFormat(source));
};

/** Fetches the commit into the cache, and replaces a broken cache. Throws TaskError when git cannot. */
export const updateCache = async (source: Source): Promise<Commit> => {
  if (!(await isThere(source.cache))) return rebuildCache(source);
  await removeRemains(source.cache);
  const attempt = await fetchInFormat(source);
  const isBroken =
    !attempt.commit && !source.signal.aborted && (await isCacheAtFault(source, attempt.messages));
  if (!isBroken || source.signal.aborted) return orThrow(source, attempt);
  await source.git.show(attempt.messages);
  return rebuildCache(source);
};
