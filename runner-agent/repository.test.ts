import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runTask } from './task-runner.ts';
import { aPayload, aProjectId, heldTasks } from './testing/builders.ts';
import { systemTiming } from './timing.ts';

let folder: string;
let url: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-repository-'));
  url = join(folder, 'repository');
  await mkdir(url);
  git('init', '--quiet', '--initial-branch=main');
});
afterEach(() => rm(folder, { recursive: true }));

const git = (...args: string[]): string => {
  const author = ['-c', 'user.name=T', '-c', 'user.email=t@example.com'];
  return execFileSync('git', [...author, ...args], { cwd: url, encoding: 'utf8', stdio: 'pipe' }).trim();
};

const commit = async (output: string): Promise<string> => {
  await writeFile(join(url, 'run.sh'), `echo ${output}\n`);
  git('add', '.');
  git('commit', '--quiet', '-m', `Say ${output}`);
  return git('rev-parse', 'HEAD');
};

const projectId = aProjectId();
const run = async (branch = 'main') => {
  const payload = aPayload({ projectId, path: 'run.sh', repository: { url, branch } });
  let output = '';
  const result = await runTask({
    payload,
    task: heldTasks().add(payload.projectId, payload.taskId),
    output: {
      write: async (stream, text) => {
        if (stream !== 'agent') output += text;
      },
      end: async () => undefined,
    },
    workDir: join(folder, 'work'),
    path: process.env.PATH ?? '',
    killGraceMs: 100,
    awaitConfirmation: async () => undefined,
    timing: systemTiming,
  });
  return { ...result, output };
};

const cacheFolder = async () => {
  const ofProject = join(folder, 'work', 'repositories', projectId);
  return join(ofProject, (await readdir(ofProject))[0] ?? '');
};

describe('the cache of a repository', () => {
  it('survives what a git that was killed has left in it', async () => {
    await commit('one');
    await run();
    const cache = await cacheFolder();
    await writeFile(join(cache, 'shallow.lock'), '');
    await commit('two');
    expect(await run()).toMatchObject({ status: 'success', output: 'two\n' });
  });

  it('is made anew when it is broken', async () => {
    await commit('one');
    await run();
    const cache = await cacheFolder();
    for (const name of await readdir(cache, { recursive: true })) {
      if (/objects\/([0-9a-f]{2}\/|pack\/.*\.pack$)/.test(name)) {
        await rm(join(cache, name), { force: true });
        await writeFile(join(cache, name), 'broken');
      }
    }
    const hash = await commit('two');
    expect(await run()).toMatchObject({
      status: 'success',
      output: expect.stringMatching(/two\n$/),
      commit: { hash },
    });
  });

  it('gives an old commit, also by the beginning of its hash, and follows a branch that was rewritten', async () => {
    const first = await commit('one');
    await commit('two');
    expect(await run()).toMatchObject({ output: 'two\n' });
    expect(await run(first.slice(0, 8))).toMatchObject({ output: 'one\n', commit: { hash: first } });
    git('reset', '--quiet', '--hard', first);
    const rewritten = await commit('three');
    expect(await run()).toMatchObject({
      output: 'three\n',
      commit: { hash: rewritten, message: 'Say three' },
    });
  });

  it('takes a branch whose name looks like a hash', async () => {
    await commit('one');
    git('branch', 'deadbeef');
    expect(await run('deadbeef')).toMatchObject({ output: 'one\n' });
  });
});
