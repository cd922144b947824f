import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KeySecret } from '../../protocol/key.ts';
import { caseFile, lacksCases } from '../../test/cases.ts';
import { type GitServer, startGitServer } from '../testing/git-server.ts';
import { startProxy } from '../testing/proxy.ts';
import { openTaskFixture, type TaskFixture } from '../testing/task-fixture.ts';
import { gitEnvironmentFor, gitVariables, workspaceConfig } from './git-access.ts';
import { createWorkspace } from './workspace.ts';

const login = { user: 'deploy', password: "it's s3cret" };
const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const key: KeySecret = { type: 'login_password', login: login.user, password: login.password };

let fixture: TaskFixture;
let server: GitServer;
let other: GitServer;
beforeEach(async () => {
  fixture = await openTaskFixture();
  server = await startGitServer({ folder: fixture.folder, login: `${login.user}:${login.password}` });
  other = await startGitServer({ folder: fixture.folder, login: 'somebody:else' });
});
afterEach(async () => {
  server?.close();
  other?.close();
  await fixture?.close();
});

/** Credentials that the server received. */
const loginsAt = ({ seen }: GitServer) =>
  seen.map(({ authorization }) => authorization).filter((header) => header !== undefined);

const fetch = async (url: string, given: KeySecret | undefined, files: Record<string, string> = {}) => {
  await fixture.repository('app', { 'run.sh': 'cat .git/config', ...files });
  return fixture.run({
    path: 'run.sh',
    repository: { url, branch: 'main', key: given },
    variables: { GIT_SSL_CAINFO: server.certificate },
  });
};

const submodule = (url: string) => ({
  '.gitmodules': `[submodule "third"]\n\tpath = third\n\turl = ${url}\n`,
});

/** Adds the commit of a submodule whose URL is in .gitmodules. */
const linkSubmodule = async (url: string) => {
  const third = await fixture.repository('third', { 'file-of-third': '' });
  await fixture.repository('app', { 'run.sh': 'ls third', ...submodule(url) });
  const app = join(fixture.folder, 'app');
  fixture.git(
    app,
    'update-index',
    '--add',
    '--cacheinfo',
    `160000,${fixture.git(third, 'rev-parse', 'HEAD')},third`,
  );
  fixture.git(app, 'commit', '--quiet', '-m', 'With a submodule');
};
const fetchLinked = (url: string) =>
  fixture.run({
    path: 'run.sh',
    repository: { url, branch: 'main', key },
    variables: { GIT_SSL_CAINFO: server.certificate },
  });

describe('a password for git', () => {
  it('opens its own repository', async () => {
    const { result, log } = await fetch(`${server.url}/app/.git`, key);
    expect(result).toMatchObject({ status: 'success' });
    expect(new Set(loginsAt(server))).toEqual(new Set([basic(login.user, login.password)]));
    expect(log).not.toContain(login.password);
  });

  it.each([
    [
      'a token goes with the user git',
      undefined,
      { type: 'string', value: 'tok-1\n' },
      basic('git', 'tok-1'),
    ],
    ['the user in the URL is kept', 'oauth2', { type: 'string', value: 'tok-1' }, basic('oauth2', 'tok-1')],
    ['a login in the URL does without a key', 'bob:p%40ss', undefined, basic('bob', 'p@ss')],
    ['a token alone in the URL does too', 'ghp_abc', undefined, basic('ghp_abc', '')],
  ] as const)('is sent in the form that the server accepts: %s', async (_, userinfo, given, expected) => {
    const url = userinfo ? server.url.replace('//', `//${userinfo}@`) : server.url;
    await fetch(`${url}/app/.git`, given);
    expect(new Set(loginsAt(server))).toEqual(new Set([expected]));
  });

  it('appears neither in the log nor in the checkout when it was in the URL', async () => {
    const url = server.url.replace('//', `//${login.user}:${encodeURIComponent(login.password)}@`);
    const { result, log, output } = await fetch(`${url}/app/.git`, undefined);
    expect(result.status).toBe('success');
    expect(output).toContain(`url = ${server.url}/app/.git`);
    expect(log).toContain(`Fetching ${server.url}/app/.git (main)`);
  });

  it('opens a submodule on the same server', async () => {
    await linkSubmodule(`${server.url}/third/.git`);
    const { result, output } = await fetchLinked(`${server.url}/app/.git`);
    expect(result).toMatchObject({ status: 'success' });
    expect(output).toContain('file-of-third');
  });

  it('is not sent to another port of the host, where a submodule is', async () => {
    await linkSubmodule(`${other.url}/third/.git`);
    const { result } = await fetchLinked(`${server.url}/app/.git`);
    expect(result.reason).toContain('Cannot fetch');
    expect(other.seen.length).toBeGreaterThan(0);
    expect(loginsAt(other)).toEqual([]);
  });

  it("is not sent to a redirect's target", async () => {
    server.redirect('/app', `${other.url}/app`);
    const { result } = await fetch(`${server.url}/app/.git`, key);
    expect(result.reason).toContain('Cannot fetch');
    expect(other.seen.length).toBeGreaterThan(0);
    expect(loginsAt(other)).toEqual([]);
  });

  it('is not sent to another server whose URL has the right host as its user', async () => {
    const host = new URL(server.url).host;
    await linkSubmodule(other.url.replace('//', `//${encodeURIComponent(`https://${host}`)}@`));
    await fetchLinked(`${server.url}/app/.git`);
    // git sends the user in the submodule's URL, and no password.
    expect(new Set(loginsAt(other))).toEqual(new Set([basic(`https://${host}`, '')]));
  });
});

describe('a password over http', () => {
  let plain: Server;
  let requests = 0;
  let url = '';
  beforeEach(async () => {
    requests = 0;
    plain = createServer((_, response) => {
      requests += 1;
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    });
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const address = plain.address();
    url = `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
  });
  afterEach(() => {
    plain?.close();
  });

  it.each([
    ['of a key', '', key],
    ['in the URL', 'bob:s3cret@', undefined],
  ] as const)('is refused before anything is sent, when it is one %s', async (_, userinfo, given) => {
    const { result } = await fetch(`${url.replace('//', `//${userinfo}`)}/app`, given);
    expect(result).toEqual({
      status: 'error',
      reason: `The password for ${url}/app would travel unencrypted: use an https URL, or leave the key and the login in the URL out`,
    });
    expect(requests).toBe(0);
  });

  it('is not needed for a public repository', async () => {
    const { result } = await fetch(`${url}/app`, { type: 'none' });
    expect(result.reason).toContain('Cannot fetch');
    expect(requests).toBeGreaterThan(0);
  });
});

describe('an SSH key for git', () => {
  /** Returns the settings that ssh would use for each host. */
  const sshFor = async (url: string, ...hosts: string[]) => {
    const workspace = await createWorkspace({ workDir: fixture.workDir, name: 'ssh' });
    const environment = await gitEnvironmentFor({
      files: workspace,
      repository: { url, key: { type: 'ssh', privateKey: 'KEY', passphrase: 'phrase' } },
      hostKeyOptions: '-o StrictHostKeyChecking=yes',
      config: workspaceConfig,
    });
    const folder = dirname(await workspace.writePrivate('any', ''));
    return {
      key: join(folder, 'git-key'),
      environment,
      settings: hosts.map((host) => {
        const show = `${environment.GIT_SSH_COMMAND} -G "$1"`;
        return execFileSync('sh', ['-c', show, 'sh', host], { encoding: 'utf8', stdio: 'pipe' });
      }),
    };
  };

  it.each([
    'git@git.example.test:org/app.git',
    'ssh://git@git.example.test:2222/org/app.git',
    'ssh://GIT.example.test/org/app.git',
    'https://git.example.test/org/app.git',
  ])('is offered to the host of %s and to no other', async (url) => {
    const { key: file, settings } = await sshFor(url, 'git.example.test', 'evil.example.test', 'test');
    expect(settings.map((text) => text.includes(`identityfile ${file}\n`))).toEqual([true, false, false]);
    for (const text of settings) {
      expect(text).toContain('passwordauthentication no');
      expect(text).toContain('kbdinteractiveauthentication no');
      expect(text).toMatch(/stricthostkeychecking (yes|true)/);
    }
  });

  it.each(['ssh://git@*/org/app.git', 'ssh://git@a,b/app.git', 'ssh://-oProxyCommand=id/app.git'])(
    'is refused for %s, which names no single host',
    (url) => expect(sshFor(url)).rejects.toThrow('No host can be read from'),
  );

  it("gives its passphrase to ssh only, and not to git's password prompt", async () => {
    const { environment } = await sshFor('git@git.example.test:org/app.git');
    const ask = (prompt: string) =>
      execFileSync('sh', ['-c', `"$SSH_ASKPASS" "$1" || echo none`, 'sh', prompt], {
        encoding: 'utf8',
        env: { ...process.env, ...environment },
      }).trim();
    expect(ask("Enter passphrase for key '/x/git-key': ")).toBe('phrase');
    for (const prompt of ["Password for 'https://evil.test': ", "deploy@evil.test's password: "]) {
      expect(ask(prompt)).toBe('none');
    }
  });
});

describe('the secrets of a project', () => {
  const repository = () => ({ url: `${server.url}/app/.git`, branch: 'main', key });

  it.skipIf(lacksCases)('case 17: reach git as files too', async () => {
    expect(readFileSync(caseFile(17, 'README'), 'utf8')).toContain('"GIT_SSL_CAINFO"');
    await fixture.repository('app', { 'run.sh': 'echo in' });
    const secretFiles = { GIT_SSL_CAINFO: readFileSync(server.certificate, 'utf8') };
    const { result } = await fixture.run({ path: 'run.sh', repository: repository(), secretFiles });
    expect(result).toMatchObject({ status: 'success' });
    // They take precedence, as they do for the task.
    const variables = { GIT_SSL_CAINFO: '/none' };
    const both = await fixture.run({ path: 'run.sh', repository: repository(), secretFiles, variables });
    expect(both.result).toMatchObject({ status: 'success' });
  });

  it('case 17: reach git as a proxy with its password', async () => {
    await fixture.repository('app', { 'run.sh': 'echo in' });
    const proxy = await startProxy('user:pa55');
    const run = (https_proxy: string) =>
      fixture.run({
        path: 'run.sh',
        repository: repository(),
        variables: { GIT_SSL_CAINFO: server.certificate },
        secrets: { https_proxy },
      });
    expect((await run(proxy.url('user:pa55'))).result).toMatchObject({ status: 'success' });
    expect(proxy.asked).toContain(new URL(server.url).host);
    const { result } = await run(proxy.url('user:wrong'));
    expect(result.reason).toContain('the proxy is not found or refuses');
    proxy.close();
  });

  it("cannot make the agent's git write a file or run a program", async () => {
    const url = await fixture.repository('app', { 'run.sh': 'true' });
    const trace = join(fixture.folder, 'trace');
    const secrets = { GIT_TRACE: trace, GIT_SSH_COMMAND: `touch ${trace}` };
    const secretFiles = { GIT_CONFIG_SYSTEM: `[core]\n\tfsmonitor = touch ${trace}\n` };
    const given = { path: 'run.sh', repository: { url, branch: 'main' }, secrets, secretFiles };
    expect((await fixture.run(given)).result).toMatchObject({ status: 'success' });
    expect(() => execFileSync('ls', [trace], { stdio: 'pipe' })).toThrow();
  });
});

describe('the variables of a project', () => {
  it("reach the agent's git only if they set the proxy or the certificates", () => {
    const allowed = {
      https_proxy: 'http://proxy:3128',
      NO_PROXY: 'localhost',
      GIT_SSL_CAINFO: '/etc/ssl/ours.pem',
      GIT_LFS_SKIP_SMUDGE: '1',
    };
    const others = ['GIT_SSH_COMMAND', 'GIT_TRACE', 'GIT_SSL_NO_VERIFY', 'GIT_CONFIG_COUNT', 'GIT_EXEC_PATH'];
    const more = [
      'LD_PRELOAD',
      'PATH',
      'HOME',
      'SSH_AUTH_SOCK',
      'SSH_ASKPASS',
      'LANGUAGE',
      'XDG_CONFIG_HOME',
    ];
    const refused = Object.fromEntries([...others, ...more].map((name) => [name, 'x']));
    expect(gitVariables({ ...allowed, ...refused })).toEqual(allowed);
  });

  it("cannot make the agent's git write a file or run a program, but reach the task", async () => {
    const url = await fixture.repository('app', { 'run.sh': 'echo "$GIT_TRACE $GIT_SSH_COMMAND"' });
    const trace = join(fixture.folder, 'trace');
    const variables = { GIT_TRACE: trace, GIT_SSH_COMMAND: `touch ${trace}` };
    const { output } = await fixture.run({ path: 'run.sh', repository: { url, branch: 'main' }, variables });
    expect(output).toBe(`${trace} touch ${trace}\n`);
    expect(() => execFileSync('ls', [trace], { stdio: 'pipe' })).toThrow();
  });
});
