/** Fetches the repository of a task: git in the cache as its user, git in the workspace as the task's. */
import type { TaskPayload } from '../../protocol/agent.ts';
import { requireProgram } from '../process/programs.ts';
import type { Identity } from '../process/run-as.ts';
import type { Cache } from './caches.ts';
import { createGit, type Git } from './git.ts';
import {
  cacheConfig,
  type GitAccess,
  gitEnvironmentFor,
  gitVariables,
  isGitVariable,
  workspaceConfig,
} from './git-access.ts';
import { parseGitUrl } from './git-url.ts';
import { givenHostKeys, type SshHosts, type SshHostsOptions, sshHosts } from './host-keys.ts';
import { fetchRepository } from './repository.ts';
import { baseEnvironment, learnHosts, type Run, writeVariables } from './run.ts';
import { sshFlags } from './ssh.ts';
import { taskFilesOf } from './task-file.ts';

/** Returns the variables with which git reaches the server, and the hosts that it accepts. */
const reach = async (
  { hostKeys }: Run,
  access: Omit<GitAccess, 'hostKeyOptions'> & Pick<SshHostsOptions, 'knownHosts'>,
): Promise<{ environment: Record<string, string>; hosts: SshHosts }> => {
  const hosts = await sshHosts({ ...access, hostKeys, use: 'git' });
  return {
    environment: await gitEnvironmentFor({ ...access, hostKeyOptions: sshFlags(hosts.options) }),
    hosts,
  };
};

/** Fetches the repository through its cache. Returns the variables with which git of the task reaches it. */
const fetchThrough = async (
  run: Run,
  cache: Cache,
  repository: NonNullable<TaskPayload['repository']>,
  variables: Readonly<Record<string, string>>,
): Promise<Record<string, string>> => {
  const { workspace, path, programs, output, say, end, user, files, separation } = run;
  const program = await requireProgram(path, 'git', 'the package git');
  await say(`Fetching ${parseGitUrl(repository.url).url} (${repository.branch})`);
  const knownHosts = givenHostKeys(repository);
  const ofCache = await workspace.filesFor(cache.user);
  const inCache = await reach(run, { repository, knownHosts, files: ofCache, config: cacheConfig });
  const inWorkspace = await reach(run, { repository, knownHosts, files: workspace, config: workspaceConfig });
  const gitWith = (environment: Record<string, string>, as?: Identity): Git => {
    const all = { ...baseEnvironment(run), ...environment };
    return createGit({ programs, output, program, cwd: workspace.root, environment: all, as });
  };
  const taskVariables = { ...gitVariables(variables), ...inWorkspace.environment };
  const cacheVariables = {
    ...gitVariables(await writeVariables(run, ofCache, isGitVariable)),
    ...inCache.environment,
    // git looks there for files of the user's own: there are none.
    HOME: workspace.root,
    TMPDIR: '/tmp',
    GIT_NO_REPLACE_OBJECTS: '1',
  };
  // Not git's core.sharedRepository: it sets the group bit of folders, which the systemd unit forbids.
  const asCache = cache.user && { user: cache.user, umask: '027' };
  const reads = cache.user && user && { user, groups: [user.gid, cache.user.gid] };
  const git = {
    inCache: gitWith(cacheVariables, asCache),
    fromCache: gitWith(taskVariables, reads),
    inWorkspace: gitWith(taskVariables),
  };
  run.isFetching = true;
  const commit = await fetchRepository({
    repository,
    caches: cache.folder,
    workspace,
    files,
    git,
    say,
    signal: end,
  });
  run.isFetching = false;
  run.result.commit = commit;
  const seenByCache = separation && cache.user ? taskFilesOf(separation.shell, cache.user) : files;
  await learnHosts(run, inCache.hosts, seenByCache);
  run.hosts.push(inWorkspace.hosts);
  await say(`At commit ${commit.hash} ${commit.message}`);
  return inWorkspace.environment;
};

/** Fetches the repository, if the task has one. */
export const fetchSources = async (
  run: Run,
  variables: Readonly<Record<string, string>>,
): Promise<Record<string, string>> => {
  const { payload, caches } = run;
  if (!payload.repository) return {};
  const cache = await caches.open(payload.projectId);
  try {
    return await fetchThrough(run, cache, payload.repository, variables);
  } finally {
    cache.close();
  }
};
