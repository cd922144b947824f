import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GitServer, startGitServer } from '../../runner-agent/testing/git-server.ts';
import { openTaskFixture, type TaskFixture } from '../../runner-agent/testing/task-fixture.ts';
import { caseFile, lacksCases } from '../cases.ts';
import { isMissing, run as runTool } from './tools.ts';

const content = 'content from the LFS server\n';
const oid = createHash('sha256').update(content).digest('hex');
const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n`;
const attributes = '*.bin filter=lfs diff=lfs merge=lfs -text\n';
/** Settings of `git lfs install --system`. */
const filters =
  '[filter "lfs"]\n\tsmudge = git-lfs smudge -- %f\n\tprocess = git-lfs filter-process\n\tclean = git-lfs clean -- %f\n\trequired = true\n';
const key = { type: 'login_password' as const, login: 'deploy', password: 's3cret' };

let fixture: TaskFixture;
let server: GitServer;
beforeEach(async () => {
  fixture = await openTaskFixture();
  server = await startGitServer({ folder: fixture.folder, login: 'deploy:s3cret' });
  server.lfs.set(oid, content);
});
afterEach(async () => {
  server?.close();
  await fixture?.close();
});

const where = (program: string) => runTool('sh', ['-c', 'command -v "$1"', 'sh', program]).trim();

/** PATH with a git that has this system configuration, and the named programs alone. */
const pathWith = async (config: string, ...programs: string[]) => {
  const system = join(fixture.folder, 'system-config');
  await writeFile(system, config);
  const bin = join(fixture.folder, 'bin');
  await mkdir(bin);
  for (const program of ['bash', 'cat', 'grep', 'sh', ...programs])
    await symlink(where(program), join(bin, program));
  await fixture.program('git', `GIT_CONFIG_SYSTEM='${system}' exec ${where('git')} "$@"`);
  return bin;
};

/** Makes a repository whose big.bin is a pointer in the commit. */
const makeRepository = (files: Record<string, string> = {}) =>
  fixture.repository('app', {
    'run.sh': 'cat big.bin',
    'big.bin': pointer,
    '.gitattributes': attributes,
    ...files,
  });
const run = (path: string, url = `${server.url}/app/.git`) =>
  fixture.run(
    {
      path: 'run.sh',
      repository: { url, branch: 'main', ...(url.startsWith('https:') && { key }) },
      variables: { GIT_SSL_CAINFO: server.certificate },
    },
    path,
  );

describe.skipIf(isMissing('git-lfs'))('a file of Git LFS', () => {
  it.skipIf(lacksCases)('case 11: is fetched from a private repository with its key', async () => {
    await makeRepository({ '.gitattributes': readFileSync(caseFile(11, 'gitattributes'), 'utf8') });
    const { output, result } = await run(await pathWith(filters, 'git-lfs'));
    expect(output).toBe(content);
    expect(result.status).toBe('success');
  });

  it.skipIf(lacksCases)('case 11: that the server lacks is named as the reason', async () => {
    await makeRepository({ 'big.bin': readFileSync(caseFile(11, 'big.bin'), 'utf8') });
    const { result } = await run(await pathWith(filters, 'git-lfs'));
    expect(result.reason).toMatch(/^Cannot check out .*: the server does not give out an object of Git LFS/);
  });

  it('gets no login of the repository from another server', async () => {
    const other = await startGitServer({ folder: fixture.folder, login: 'somebody:else' });
    await makeRepository({ '.lfsconfig': `[lfs]\n\turl = ${other.url}/lfs/info/lfs\n` });
    const { result } = await run(await pathWith(filters, 'git-lfs'));
    other.close();
    expect(result.reason).toContain('the server refuses the login or asks for one');
    expect(other.seen.length).toBeGreaterThan(0);
    expect(other.seen.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
  });

  it('is fetched for a repository on the runner', async () => {
    const url = await makeRepository();
    const object = join(url, '.git/lfs/objects', oid.slice(0, 2), oid.slice(2, 4));
    await mkdir(object, { recursive: true });
    await writeFile(join(object, oid), content);
    expect(await run(await pathWith(filters, 'git-lfs'), url)).toMatchObject({ output: content });
  });
});

describe('a runner without Git LFS', () => {
  it('says once which file is a pointer, and what to install', async () => {
    await makeRepository({ 'other.bin': pointer });
    const { output, log } = await run(await pathWith(''));
    expect(output).toBe(pointer);
    expect(log.match(/is a pointer of Git LFS/g)).toHaveLength(1);
    expect(log).toContain('big.bin is a pointer of Git LFS and not the file itself: install git-lfs');
  });

  it('says it of a submodule too', async () => {
    const third = await fixture.repository('third', { 'big.bin': pointer, '.gitattributes': attributes });
    const url = await fixture.repository('app', { 'run.sh': 'true' });
    fixture.git(url, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', third, 'third');
    fixture.git(url, 'commit', '--quiet', '-m', 'With a submodule');
    const { log } = await run(await pathWith('', 'basename', 'sed', 'uname'), url);
    expect(log).toContain('third/big.bin is a pointer of Git LFS');
  });

  it('but with its settings names the missing program', async () => {
    await makeRepository();
    const { result } = await run(await pathWith(filters));
    expect(result).toMatchObject({
      status: 'error',
      reason: expect.stringContaining('git-lfs is not installed: install the package git-lfs'),
    });
  });

  it('says nothing about other files', async () => {
    await makeRepository({ 'big.bin': 'no pointer' });
    expect((await run(await pathWith(''))).log).not.toContain('Git LFS');
  });
});
