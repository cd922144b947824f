import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aProjectId } from '../testing/builders.ts';
import { openTaskFixture, type TaskFixture } from '../testing/task-fixture.ts';

let fixture: TaskFixture;
let url: string;
beforeEach(async () => {
  fixture = await openTaskFixture();
  url = join(fixture.folder, 'repository');
});
afterEach(() => fixture?.close());

const git = (...args: string[]): string => fixture.git(url, ...args);

const commit = async (output: string): Promise<string> => {
  await fixture.repository('repository', { 'run.sh': `echo ${output}\n` });
  return git('rev-parse', 'HEAD');
};

const projectId = aProjectId();
const run = async (branch = 'main') => {
  const { result, output } = await fixture.run({ projectId, path: 'run.sh', repository: { url, branch } });
  return { ...result, output };
};

const cacheFolder = async () => {
  const ofProject = join(fixture.workDir, 'repositories', projectId);
  return join(ofProject, (await readdir(ofProject))[0] ?? '');
};

describe('the cache of a repository', () => {
  it('survives the remains of a killed git', async () => {
    await commit('one');
    await run();
    const cache = await cacheFolder();
    await writeFile(join(cache, 'shallow.lock'), '');
    await commit('two');
    expect(await run()).toMatchObject({ status: 'success', output: 'two\n' });
  });

  it('is created again when it is broken', async () => {
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

  it('returns an old commit, also by a prefix of its hash, and follows a rewritten branch', async () => {
    const first = await commit('one');
    await commit('two');
    expect(await run()).toMatchObject({ output: 'two\n' });
    expect(await run(first.slice(0, 8))).toMatchObject({ output: 'one\n', commit: { hash: first } });
    git('reset', '--quiet', '--hard', first);
    const rewritten = await commit('three');
    expect(await run()).toMatchObject({
      output: 'three\n',
      commit: { hash: rewritten, message: 'With run.sh' },
    });
  });

  it('accepts a branch whose name looks like a hash', async () => {
    await commit('one');
    git('branch', 'deadbeef');
    expect(await run('deadbeef')).toMatchObject({ output: 'one\n' });
  });
});

describe('a branch that means more to git than a name', () => {
  it.each(['main:refs/heads/other', '+main', '--upload-pack=touch x'])('is refused: %s', async (branch) => {
    await commit('one');
    expect(await run(branch)).toMatchObject({
      status: 'error',
      reason: expect.stringContaining('must be the name of a branch or a tag'),
    });
  });
});
