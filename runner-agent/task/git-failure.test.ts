import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GitServer, startGitServer } from '../testing/git-server.ts';
import { openTaskFixture, type TaskFixture } from '../testing/task-fixture.ts';
import { type GitFault, gitFaultIn, gitReason } from './git-failure.ts';

describe("git's messages", () => {
  const messages: [GitFault | undefined, string][] = [
    ['disk_full', 'error: file write error: No space left on device\nfatal: index-pack failed'],
    ['disk_full', 'fatal: write error: Disk quota exceeded\nfatal: early EOF'],
    ['no_lfs_program', 'git-lfs filter-process: 1: git-lfs: not found\nfatal: the remote end hung up'],
    [
      'host_key_changed',
      '@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.',
    ],
    ['host_key_unknown', 'No ED25519 host key is known for h and you have requested strict checking.'],
    ['key_unreadable', 'Load key "/x/git-key": error in libcrypto\ngit@h: Permission denied (publickey).'],
    ['proxy', "fatal: unable to access 'https://h/': Received HTTP code 407 from proxy after CONNECT"],
    ['proxy', "fatal: unable to access 'https://h/': CONNECT tunnel failed, response 407"],
    ['certificate', "fatal: unable to access 'https://h/': SSL certificate problem: unable to get issuer"],
    ['certificate', 'error setting certificate verify locations:  CAfile: /x'],
    ['login', "fatal: could not read Username for 'https://h': terminal prompts disabled"],
    [
      'login',
      'git@h: Permission denied (publickey,password).\nfatal: Could not read from remote repository.',
    ],
    ['login', 'Error downloading object: Git credentials for https://h/a.git not found.'],
    ['forbidden', "fatal: unable to access 'https://h/a/': The requested URL returned error: 403"],
    ['no_lfs_object', 'Smudge error: [404] Object does not exist on the server\nsmudge filter lfs failed'],
    ['no_host', 'ssh: Could not resolve hostname h: Name or service not known'],
    ['unreachable', 'ssh: connect to host h port 22: Connection timed out'],
    ['unreachable', 'kex_exchange_identification: read: Connection reset by peer'],
    ['no_reference', "fatal: couldn't find remote ref refs/heads/x"],
    ['no_reference', 'error: Server does not allow request for unadvertised object 12'],
    ['owner', "fatal: detected dubious ownership in repository at '/x'"],
    ['local_submodule', "fatal: transport 'file' not allowed"],
    ['no_repository', "remote: Repository not found.\nfatal: repository 'https://h/a/' not found"],
    [
      'no_repository',
      'remote: The project you were looking for could not be found or you have no permission',
    ],
    ['server', "fatal: unable to access 'https://h/': The requested URL returned error: 503"],
    [
      'no_reference',
      "Only for those who are authorized; access denied to others.\nfatal: couldn't find remote ref refs/heads/x",
    ],
    ['broken_off', 'fatal: early EOF\nfatal: index-pack failed'],
    ['refused', "fatal: unable to access 'https://h/': GnuTLS recv error (-54): Error in the pull function."],
    ['refused', 'Your account is suspended.\nfatal: Could not read from remote repository.'],
    [undefined, "fatal: Unable to create '/x/shallow.lock': File exists."],
    [undefined, "fatal: not a git repository: '/x'"],
    [undefined, ''],
  ];
  it.each(messages)('mean %s: %s', (fault, text) => {
    expect(gitFaultIn(text)).toBe(fault);
  });

  it('give the general reason when they are unknown', () => {
    expect(gitReason('fatal: something new')).toBe('see the log, and check URL, branch, key and host key');
  });
});

describe('a failed fetch over https', () => {
  let fixture: TaskFixture;
  let server: GitServer;
  let web: Server | undefined;
  beforeEach(async () => {
    fixture = await openTaskFixture();
    server = await startGitServer({ folder: fixture.folder, login: 'deploy:s3cret' });
    await fixture.repository('app', { 'run.sh': 'true' });
  });
  afterEach(async () => {
    web?.close();
    server?.close();
    await fixture?.close();
  });

  const reasonOf = async (
    url: string,
    branch = 'main',
    variables = { GIT_SSL_CAINFO: server.certificate },
  ) => {
    const key = { type: 'login_password' as const, login: 'deploy', password: 's3cret' };
    const isOurs = url.startsWith(server.url);
    const repository = { url, branch, ...(isOurs && { key }) };
    return (await fixture.run({ path: 'run.sh', repository, variables })).result.reason;
  };

  it('names the login, the certificate, the repository and the branch', async () => {
    const url = `${server.url}/app/.git`;
    expect(await reasonOf(url, 'none')).toBe(
      `Cannot fetch ${url} (none): there is no such branch, tag or commit: correct it, or push it`,
    );
    expect(await reasonOf(`${server.url}/none`)).toContain('there is no such repository');
    expect(await reasonOf(url, 'main', { GIT_SSL_CAINFO: '/etc/ssl/certs/ca-certificates.crt' })).toContain(
      "the server's certificate is not trusted",
    );
    const { result } = await fixture.run({
      path: 'run.sh',
      repository: { url, branch: 'main', key: { type: 'string', value: 'wrong' } },
      variables: { GIT_SSL_CAINFO: server.certificate },
    });
    expect(result.reason).toContain('the server refuses the login or asks for one');
  });

  it('names the time limit, if that ended it', async () => {
    const silent = createServer(() => undefined);
    web = silent;
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/app`;
    const { result } = await fixture.run({
      path: 'run.sh',
      repository: { url, branch: 'main' },
      timeoutMs: 100,
    });
    expect(result).toMatchObject({
      status: 'error',
      reason: 'Fetching the repository took longer than its timeout of 0.1 s and was ended',
    });
  });

  it('names the host, the port and the state of the server', async () => {
    expect(await reasonOf('https://git.invalid/app')).toContain('there is no host of that name');
    expect(await reasonOf('https://127.0.0.1:1/app')).toContain('the server cannot be reached');
    let status = 503;
    const plain = createServer((_, response) => response.writeHead(status).end());
    web = plain;
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const address = plain.address();
    const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/app`;
    expect(await reasonOf(url)).toContain('the server failed or is too busy');
    status = 403;
    expect(await reasonOf(url)).toContain('the server denies access');
  });
});
