import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KeySecret } from '../../protocol/key.ts';
import { openTaskFixture, type TaskFixture } from '../../runner-agent/testing/task-fixture.ts';
import { makeSshKey, type SshServer, startSshServer } from './sshd.ts';

let fixture: TaskFixture;
let server: SshServer;
let key: KeySecret;
let app: string;
beforeAll(async () => {
  fixture = await openTaskFixture();
  const { privateKey, publicKey } = makeSshKey(join(fixture.folder, 'id'));
  key = { type: 'ssh', privateKey };
  const folder = join(fixture.folder, 'sshd');
  server = await startSshServer({ folder, address: '127.0.0.3', publicKey, name: 'git' });
  app = await fixture.repository('app', { 'run.sh': 'echo in' });
});
afterAll(async () => {
  server?.stop();
  await fixture?.close();
});

interface Given {
  path?: string;
  port?: number;
  key?: KeySecret;
  knownHosts?: string;
}

const fetch = (given: Given = {}) => {
  const url = `ssh://${server.user}@${server.address}:${given.port ?? server.port}${given.path ?? app}`;
  return fixture.run({ path: 'run.sh', repository: { key, ...given, url, branch: 'main' } });
};

describe('a fetch over ssh', () => {
  it('case 15: takes a repository with SHA-256', async () => {
    const path = join(fixture.folder, 'sha256');
    fixture.git(fixture.folder, 'init', '--quiet', '--object-format=sha256', '--initial-branch=main', path);
    await fixture.repository('sha256', { 'run.sh': 'echo sha-256' });
    expect((await fetch({ path })).output).toContain('sha-256\n');
  });
});

describe('a submodule over ssh', () => {
  it('may be at a commit that is no branch, where the server gives out none by its hash', async () => {
    const third = await fixture.repository('third', { file: 'old' });
    const old = fixture.git(third, 'rev-parse', 'HEAD');
    await fixture.repository('third', { file: 'new' });
    const url = `ssh://${server.user}@${server.address}:${server.port}${third}`;
    const modules = `[submodule "third"]\n\tpath = third\n\turl = ${url}\n`;
    const path = await fixture.repository('with', { 'run.sh': 'cat third/file', '.gitmodules': modules });
    fixture.git(path, 'update-index', '--add', '--cacheinfo', `160000,${old},third`);
    fixture.git(path, 'commit', '--quiet', '-m', 'With a submodule');
    const { result, output } = await fetch({ path });
    expect(result.reason).toBeUndefined();
    expect(output).toMatch(/old$/);
  });
});

describe('a failed fetch over ssh', () => {
  it('names the key, the host key, the repository and the port', async () => {
    const right = await fetch({ knownHosts: server.knownHost });
    expect(right.output).toBe('in\n');
    const other = makeSshKey(join(fixture.folder, 'other'));
    const [host = ''] = server.knownHost.split(' ');
    const reasons: [Given, string][] = [
      [{ key: { type: 'ssh', privateKey: other.privateKey } }, 'the server refuses the login'],
      [{ key: { type: 'ssh', privateKey: 'KEY' } }, 'ssh cannot open the key'],
      [{ knownHosts: `${host} ${other.publicKey}` }, 'the server shows another host key'],
      [{ knownHosts: `h.example.test ${other.publicKey}` }, 'host key is not a given one'],
      [{ path: '/none' }, 'there is no such repository'],
      [{ port: 1 }, 'the server cannot be reached'],
    ];
    for (const [given, reason] of reasons) {
      const { result } = await fetch(given);
      expect(result).toMatchObject({ status: 'error', reason: expect.stringContaining(reason) });
    }
  });
});
