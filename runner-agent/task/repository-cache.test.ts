import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { caseFile, lacksCases } from '../../test/cases.ts';
import { aProjectId } from '../testing/builders.ts';
import { startGitServer } from '../testing/git-server.ts';
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
const run = async (branch = 'main', path = 'run.sh') => {
  const { result, output, log } = await fixture.run({ projectId, path, repository: { url, branch } });
  return { ...result, output, log };
};

const cacheFolder = async () => {
  const ofProject = join(fixture.workDir, 'repositories', projectId);
  return join(ofProject, (await readdir(ofProject))[0] ?? '');
};

/** Makes the repository of a case by its script, in the fixture's folder. */
const makeCase = (number: number, name: string) => {
  fixture.shell(caseFile(number, 'make.sh'));
  url = join(fixture.folder, name);
};

/** Counts the programs that fetch, by a git that notes its calls. Returns the PATH with it. */
const countFetches = async () => {
  const calls = join(fixture.folder, 'calls');
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  const path = await fixture.program('git', `echo "$*" >> '${calls}'\nexec '${real}' "$@"`);
  return { path, calls: async () => (await readFile(calls, 'utf8')).split('\n') };
};

describe('the cache of a repository', () => {
  it.each([
    'shallow.lock',
    'config.lock',
    'packed-refs.lock',
    'HEAD.lock',
    'objects/maintenance.lock',
    'refs/heads/topic.lock',
    'objects/pack/tmp_pack_x',
  ])('survives the remains of a killed git: %s', async (name) => {
    await commit('one');
    await run();
    const remain = join(await cacheFolder(), name);
    await mkdir(join(remain, '..'), { recursive: true });
    await writeFile(remain, '');
    await commit('two');
    expect(await run()).toMatchObject({ status: 'success', output: 'two\n' });
    expect(await readdir(join(remain, '..'))).not.toContain(name.split('/').at(-1));
  });

  it.skipIf(lacksCases)('case 09: survives the lock of its own reference', async () => {
    expect(await readFile(caseFile(9, 'README'), 'utf8')).toContain('refs/reveille/<hash of main>.lock');
    await commit('one');
    await run();
    const kept = join(await cacheFolder(), 'refs/reveille');
    const [name = ''] = await readdir(kept);
    await writeFile(join(kept, `${name}.lock`), '');
    await commit('two');
    expect(await run()).toMatchObject({ status: 'success', output: 'two\n' });
  });

  it('is rebuilt when no fetch into it succeeds, although fsck finds no fault', async () => {
    await commit('one');
    await run();
    const cache = await cacheFolder();
    // A reference where git needs a folder.
    const [kept = ''] = await readdir(join(cache, 'refs/reveille'));
    const inCache = (...args: string[]) => fixture.git(cache, '--git-dir', cache, ...args);
    inCache('update-ref', '-d', `refs/reveille/${kept}`);
    inCache('update-ref', `refs/reveille/${kept}/x`, git('rev-parse', 'HEAD'));
    expect(inCache('fsck', '--connectivity-only', '--no-dangling')).toBe('');
    await commit('two');
    expect(await run()).toMatchObject({ status: 'success', output: expect.stringMatching(/two\n$/) });
  });

  it('is rebuilt when it has a commit without its files', async () => {
    const hash = await commit('one');
    await run(hash);
    const blob = git('rev-parse', 'HEAD:run.sh');
    // A small fetch comes as loose objects.
    await rm(join(await cacheFolder(), 'objects', blob.slice(0, 2), blob.slice(2)));
    expect(await run(hash)).toMatchObject({ status: 'success', output: expect.stringMatching(/one\n$/) });
  });

  it('is kept when the branch is missing, the server refuses or there is none', async () => {
    await commit('one');
    await run();
    const cache = await cacheFolder();
    await writeFile(join(cache, 'mark'), '');
    const missing = [await run('none'), await run('deadbeef'), await run('1'.repeat(40))];
    for (const result of missing) expect(result.reason).toContain('there is no such branch, tag or commit');
    await rm(url, { recursive: true });
    expect((await run()).reason).toContain('there is no such repository');
    expect(await readdir(cache)).toContain('mark');
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

  it.each(['HEAD', 'config', 'refs/reveille'])('survives a power cut that emptied %s', async (name) => {
    await commit('one');
    await run();
    const file = join(await cacheFolder(), name);
    const [inside = ''] = name === 'refs/reveille' ? await readdir(file) : [];
    await writeFile(join(file, inside), '');
    await commit('two');
    expect(await run()).toMatchObject({ status: 'success', output: expect.stringMatching(/two\n$/) });
  });

  it('is created again when it is no repository', async () => {
    await commit('one');
    await run();
    await rm(join(await cacheFolder(), 'HEAD'));
    expect(await run()).toMatchObject({ status: 'success' });
  });

  it('asks the server once for a branch', async () => {
    await commit('one');
    const { path, calls } = await countFetches();
    await fixture.run({ projectId, path: 'run.sh', repository: { url, branch: 'main' } }, path);
    expect((await calls()).filter((call) => call.includes(`fetch`) && call.includes(url))).toHaveLength(1);
  });
});

describe('a repository with SHA-256', () => {
  const makeSha256 = async () => {
    await rm(url, { recursive: true, force: true });
    fixture.git(fixture.folder, 'init', '--quiet', '--object-format=sha256', '--initial-branch=main', url);
    return commit('sha-256');
  };

  it.skipIf(lacksCases)('case 15: is fetched and checked out, by branch and by hash', async () => {
    expect(await readFile(caseFile(15, 'README'), 'utf8')).toContain('git init --object-format=sha256');
    const hash = await makeSha256();
    expect(hash).toHaveLength(64);
    for (const branch of [hash, 'main', hash.slice(0, 10)])
      expect(await run(branch)).toMatchObject({ output: 'sha-256\n', commit: { hash } });
  });

  it('may take the place of one with SHA-1, and the reverse', async () => {
    await commit('sha-1');
    expect(await run()).toMatchObject({ output: 'sha-1\n' });
    await makeSha256();
    expect(await run()).toMatchObject({ output: 'sha-256\n' });
    await rm(url, { recursive: true });
    await commit('again');
    expect(await run()).toMatchObject({ output: 'again\n' });
  });

  it('comes over https too', async () => {
    await makeSha256();
    const server = await startGitServer({ folder: fixture.folder });
    const repository = { url: `${server.url}/repository/.git`, branch: 'main' };
    const variables = { GIT_SSL_CAINFO: server.certificate };
    const { output } = await fixture.run({ projectId, path: 'run.sh', repository, variables });
    server.close();
    expect(output).toBe('sha-256\n');
  });
});

describe('a reference', () => {
  it.skipIf(lacksCases)('case 08: is the branch where a tag has the same name', async () => {
    makeCase(8, 'dup');
    expect(await run('dup', 's.sh')).toMatchObject({ output: 'branch\n' });
    expect(await run('refs/tags/dup', 's.sh')).toMatchObject({ output: 'tag\n' });
    git('branch', '-D', 'dup');
    expect(await run('dup', 's.sh')).toMatchObject({ output: 'tag\n' });
  });

  it.skipIf(lacksCases)('case 10: that looks like a hash is refused once its branch is deleted', async () => {
    makeCase(10, 'hex');
    // This fetches all branches.
    await run(git('rev-parse', '--short=8', 'HEAD'), 's.sh');
    expect(await run('20240131', 's.sh')).toMatchObject({ output: 'one\n' });
    git('branch', '-D', '20240131', 'release');
    for (const branch of ['20240131', 'release']) {
      expect(await run(branch, 's.sh')).toMatchObject({
        status: 'error',
        reason: expect.stringContaining('there is no such branch'),
      });
    }
  });

  it.skipIf(lacksCases)('case 10: as a short hash outlives a branch that became a folder', async () => {
    makeCase(10, 'hex');
    const short = git('rev-parse', '--short=8', 'HEAD');
    expect(await run(short, 's.sh')).toMatchObject({ output: 'one\n' });
    git('branch', '-D', 'topic');
    git('branch', 'topic/one');
    const { output, log } = await run(short, 's.sh');
    expect(output).toBe('one\n');
    expect(log).not.toContain('cannot lock ref');
  });

  it('may be an old commit or a prefix of its hash, and a rewritten branch is followed', async () => {
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

  it('may be a branch whose name looks like a hash, and follows it', async () => {
    await commit('one');
    git('branch', 'deadbeef');
    expect(await run('deadbeef')).toMatchObject({ output: 'one\n' });
    await commit('two');
    git('branch', '--force', 'deadbeef');
    expect(await run('deadbeef')).toMatchObject({ output: 'two\n' });
  });

  it('may have letters beyond ASCII, as may paths and messages', async () => {
    await fixture.repository('repository', { 'grüße.sh': 'echo größe\n' });
    git('branch', 'größe');
    expect(await run('größe', 'grüße.sh')).toMatchObject({
      output: 'größe\n',
      commit: { message: 'With grüße.sh' },
    });
  });

  it.each(['main:refs/heads/other', '+main', '--upload-pack=touch x'])(
    'that means more to git than a name is refused: %s',
    async (branch) => {
      await commit('one');
      expect(await run(branch)).toMatchObject({
        status: 'error',
        reason: expect.stringContaining('must be the name of a branch or a tag'),
      });
    },
  );
});
