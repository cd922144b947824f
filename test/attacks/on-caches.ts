/** Attacks on repositories of other projects, and on what a project remembers of hosts. */
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { makeRepository } from '../agent/fixture.ts';
import { until } from '../client.ts';
import { type Attack, goal } from './attack.ts';
import type { Lab } from './lab.ts';

interface Attacked {
  /** Folder of the caches of the attacked project. */
  caches: string;
  /** Fetches the repository for the attacked project, with a new commit. */
  fetchAgain(): Promise<string>;
}

/** A project with a repository that only it has, in which a file has the word. */
const openProject = async (lab: Lab, word: string): Promise<Attacked> => {
  const projectId = lab.project();
  const url = join(lab.outside, lab.word());
  makeRepository(url, { 'run.sh': 'echo ran\n', secret: `${word}\n` });
  const fetchAgain = async () => {
    makeRepository(url, { count: lab.word() });
    const { output, finish } = await lab.run({
      projectId,
      path: 'run.sh',
      repository: { url, branch: 'main' },
    });
    if (!output.includes('ran'))
      throw new Error(`The attacked project's task failed: ${finish?.reason} ${output}`);
    return output;
  };
  await fetchAgain();
  return { caches: join(lab.workDir, 'repositories', projectId), fetchAgain };
};

/** Config with which git enters a repository of another user. */
const enters = 'export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0="*"';
const allObjects = 'cat-file --batch-all-objects --batch --unordered';

/** Succeeds when the output of another project's task has the word that is in the repository. */
const readsRepository = (name: string, script: (attacked: Attacked, lab: Lab) => string): Attack => ({
  name,
  run: async (lab) => {
    const word = lab.word();
    const attacked = await openProject(lab, word);
    return (await lab.run({ script: script(attacked, lab) })).output.includes(word);
  },
});

/** Succeeds when code that the script left in the cache runs at the next fetch: it makes a file. */
const runsCode = (name: string, script: (attacked: Attacked, code: string) => string): Attack => ({
  name,
  run: async (lab) => {
    const attacked = await openProject(lab, lab.word());
    const trace = `/tmp/${lab.word()}`;
    const code = `printf '#!/bin/sh\\ntouch ${trace}\\n'`;
    await lab.run({ script: script(attacked, code) });
    await attacked.fetchAgain();
    return existsSync(lab.seen(trace));
  },
});

/** Succeeds when `isDone` holds after the script. */
const changes = (
  name: string,
  script: (attacked: Attacked) => string,
  isDone: (attacked: Attacked) => boolean,
): Attack => ({
  name,
  run: async (lab) => {
    const attacked = await openProject(lab, lab.word());
    await lab.run({ script: script(attacked) });
    return isDone(attacked);
  },
});

const hook = (cache: string, code: string) =>
  `mkdir -p ${cache}/hooks; ${code} > ${cache}/hooks/reference-transaction; chmod +x ${cache}/hooks/*`;

/** Succeeds when the known hosts of a project have the word after the script. */
const knownHosts = (
  name: string,
  script: (file: string, word: string, lab: Lab) => string,
  isOwn: boolean,
): Attack => ({
  name,
  run: async (lab) => {
    const [projectId, word] = [lab.project(), lab.word().replace('-', '')];
    const folder = join(lab.workDir, 'known_hosts');
    const file = join(folder, projectId);
    await lab.run({ projectId, script: 'true' });
    if (lab.kind !== 'plain') {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(file, 'host.example.test ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\n', { mode: 0o600 });
    }
    await lab.run({ projectId: isOwn ? projectId : lab.project(), script: script(file, word, lab) });
    return existsSync(file) && readFileSync(file, 'utf8').includes(word);
  },
});

/** Opens a pipe for writing, which succeeds only while somebody waits for a writer (fifo(7)). */
const isAwaited = (pipe: string): boolean => {
  try {
    closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch {
    return false;
  }
};

/** Four such waits took all threads of the agent, for all tasks, beyond any time limit. */
const pipeForKnownHosts: Attack = {
  name: 'has the agent wait for a pipe in the place of known hosts',
  run: async (lab) => {
    const projectId = lab.project();
    const folder = join(lab.workDir, 'known_hosts');
    const pipe = join(folder, projectId);
    const script = `mkdir -p ${folder}; mkfifo ${pipe} && ${goal}; echo tried`;
    const task = lab.start({ projectId, script });
    await task.says('tried');
    const isMade = task.output().includes('reached its goal');
    if (isMade) await until('the agent waits for the pipe', 5000, () => isAwaited(pipe));
    // The next task of the project would wait too.
    if (isMade) rmSync(pipe);
    await task.ended;
    return isMade;
  },
};

/** Path of the task's own copy of the known hosts. */
const ownCopy = `/dev/shm/reveille-$(stat -c %u /dev/shm/reveille-* 2>/dev/null || echo 0)-$(printf %s "$WORK" | sha256sum | cut -c1-16)/$REVEILLE_TASK_ID-1/task/hosts-known-hosts`;

export const onCaches: Attack[] = [
  readsRepository(
    "reads another project's repository",
    ({ caches }) => `${enters}
for c in ${caches}/*.git; do git -C $c ${allObjects}; done | grep -a word-; true`,
  ),
  readsRepository(
    "reads another project's repository by alternates",
    ({ caches }) => `git init -q own
ls -d ${caches}/*.git/objects > own/.git/objects/info/alternates; git -C own ${allObjects} | grep -a word-; true`,
  ),
  readsRepository(
    "clones another project's repository",
    ({ caches }) => `${enters}
for c in ${caches}/*.git; do git clone -q file://$c own; done; for c in ${caches}/*.git; do git -C own fetch -q file://$c '+refs/*:refs/*'; done; git -C own ${allObjects} | grep -a word-; true`,
  ),
  {
    name: "reads the repository of another project by its cache's URL",
    run: async (lab) => {
      const word = lab.word();
      const { caches } = await openProject(lab, word);
      const [cache = ''] = readdirSync(caches);
      const branch = readdirSync(join(caches, cache, 'refs/reveille'))[0] ?? '';
      const repository = { url: join(caches, cache), branch: `refs/reveille/${branch}` };
      return (await lab.run({ path: 'run.sh', repository })).finish?.status === 'success';
    },
  },
  runsCode(
    "points another project's cache to hooks of its own",
    ({ caches }, code) => `mkdir -p /tmp/own; chmod 755 /tmp/own
${hook('/tmp/own', code)}; mv /tmp/own /tmp/hooks-$$ && for c in ${caches}/*.git; do git config -f $c/config core.hooksPath /tmp/hooks-$$/hooks; done`,
  ),
  runsCode(
    "includes a config of its own in another project's cache",
    ({ caches }, code) => `mkdir -p /tmp/i$$; ${hook('/tmp/i$$', code)}
git config -f /tmp/i$$/config core.hooksPath /tmp/i$$/hooks; for c in ${caches}/*.git; do git config -f $c/config include.path /tmp/i$$/config; done`,
  ),
  changes(
    "removes another project's cache",
    ({ caches }) => `rm -rf ${caches}/*.git`,
    ({ caches }) => readdirSync(caches).length === 0,
  ),
  changes(
    "holds up another project's cache by a lock of git",
    ({ caches }) => `for c in ${caches}/*.git; do touch $c/shallow.lock; done`,
    ({ caches }) => readdirSync(caches).some((cache) => existsSync(join(caches, cache, 'shallow.lock'))),
  ),
  changes(
    "replaces another project's commit",
    ({
      caches,
    }) => `${enters}; export GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x
for c in ${caches}/*.git; do old=$(git -C $c rev-list --all --max-count=1); new=$(git -C $c commit-tree -m x $old^{tree}); git -C $c replace $old $new; done`,
    ({ caches }) => readdirSync(caches).some((cache) => existsSync(join(caches, cache, 'refs/replace'))),
  ),
  changes(
    "has another project's cache take objects from its own",
    ({ caches }) => `for c in ${caches}/*.git; do echo /tmp > $c/objects/info/alternates; done`,
    ({ caches }) =>
      readdirSync(caches).some((cache) => existsSync(join(caches, cache, 'objects/info/alternates'))),
  ),
  knownHosts(
    "rewrites another project's known hosts",
    (file, word) => `mkdir -p $(dirname ${file}); echo "host.example.test ssh-ed25519 ${word}" > ${file}`,
    false,
  ),
  knownHosts(
    'changes the key of a host that its project knows',
    (file, word, { workDir }) => `WORK=${workDir}; line="host.example.test ssh-ed25519 ${word}"
mkdir -p $(dirname ${file}); echo "$line" >> ${file}; echo "$line" >> ${ownCopy}; true`,
    true,
  ),
  pipeForKnownHosts,
  {
    name: 'has a repository fetched that only root may read',
    control: 'root',
    run: async (lab) => {
      const word = lab.word();
      const url = join(lab.outside, lab.word());
      makeRepository(url, { 'run.sh': `echo ${word}\n` });
      chmodSync(url, 0o700);
      const repository = { url: `file://${url}`, branch: 'main' };
      return (await lab.run({ path: 'run.sh', repository })).output.includes(word);
    },
  },
];
