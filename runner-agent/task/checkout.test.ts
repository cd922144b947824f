import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { caseFile, lacksCases } from '../../test/cases.ts';
import { type GitServer, startGitServer } from '../testing/git-server.ts';
import { openTaskFixture, type TaskFixture } from '../testing/task-fixture.ts';

let fixture: TaskFixture;
let server: GitServer;
beforeEach(async () => {
  fixture = await openTaskFixture();
  server = await startGitServer({ folder: fixture.folder });
});
afterEach(async () => {
  server?.close();
  await fixture?.close();
});

/** Commits a submodule of that URL to the repository, at the given commit. */
const link = async (name: string, path: string, url: string, commit: string) => {
  const section = `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n`;
  const script = 'cat third/file "third/a path/file"';
  const folder = await fixture.repository(name, { file: name, 'run.sh': script, '.gitmodules': section });
  fixture.git(folder, 'update-index', '--add', '--cacheinfo', `160000,${commit},${path}`);
  fixture.git(folder, 'commit', '--quiet', '-m', 'With a submodule');
  return fixture.git(folder, 'rev-parse', 'HEAD');
};
const run = (url: string) =>
  fixture.run({
    path: 'run.sh',
    repository: { url, branch: 'main' },
    variables: { GIT_SSL_CAINFO: server.certificate },
  });
const urlOf = (name: string) => `${server.url}/${name}/.git`;

describe('a submodule', () => {
  it('is checked out with its own submodules', async () => {
    const inner = await fixture.repository('inner', { file: 'inner' });
    const commit = await link('third', 'a path', urlOf('inner'), fixture.git(inner, 'rev-parse', 'HEAD'));
    await link('app', 'third', urlOf('third'), commit);
    expect(await run(urlOf('app'))).toMatchObject({ output: 'thirdinner' });
  });

  it('is named by its path and its URL when its fetch fails, also inside another', async () => {
    const none = '1'.repeat(40);
    const commit = await link('third', 'a path', urlOf('none'), none);
    await link('app', 'third', urlOf('third'), commit);
    expect((await run(urlOf('app'))).result.reason).toBe(
      `Cannot fetch the submodule third/a path (${urlOf('none')}): there is no such repository, or it may not be read: check the URL, and the rights of the key or of the agent on a path`,
    );
  });

  it('is named by its path and its URL when its commit is missing', async () => {
    await fixture.repository('third', { file: 'x' });
    await link('app', 'third', urlOf('third'), '1'.repeat(40));
    expect((await run(urlOf('app'))).result.reason).toBe(
      `Cannot fetch the submodule third (${urlOf('third')}): there is no such branch, tag or commit: correct it, or push it`,
    );
  });

  it('cannot be a path on the runner when its repository is on a server', async () => {
    const third = await fixture.repository('third', { file: 'x' });
    await link('app', 'third', third, fixture.git(third, 'rev-parse', 'HEAD'));
    expect((await run(urlOf('app'))).result.reason).toContain(
      `Cannot fetch the submodule third (${third}): it is a path on the runner`,
    );
  });
});

describe('a repository on the runner', () => {
  const app = () => join(fixture.folder, 'app');
  const lib = () => join(fixture.folder, 'lib');
  const makeCase = () => fixture.shell(caseFile(14, 'make.sh'));
  const runCase = (url: string) => fixture.run({ path: 's.sh', repository: { url, branch: 'main' } });

  it.skipIf(lacksCases)('case 14: has a submodule by relative path', async () => {
    makeCase();
    for (const url of [app(), pathToFileURL(app()).href])
      expect(await runCase(url)).toMatchObject({ output: 'v1\n' });
  });

  it.skipIf(lacksCases)('case 14: has a submodule by absolute path and by file URL', async () => {
    makeCase();
    for (const url of [lib(), pathToFileURL(lib()).href]) {
      fixture.git(app(), 'config', '--file', '.gitmodules', 'submodule.lib.url', url);
      // Says which files the checkout shares with the submodule's own repository.
      await fixture.repository('app', { 's.sh': `cat lib/f; find .git -type f -links +1; : ${url}` });
      expect(await runCase(app())).toMatchObject({ output: 'v1\n' });
    }
  });

  it.skipIf(lacksCases || process.getuid?.() !== 0)('case 14: may belong to another user', async () => {
    makeCase();
    execFileSync('chown', ['--recursive', 'nobody', app(), lib()]);
    expect(await runCase(app())).toMatchObject({ output: 'v1\n' });
  });
});
