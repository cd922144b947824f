import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect } from 'vitest';
import { it } from '../fixture.ts';
import { type Fixture, makeRepository, openFixture } from './fixture.ts';
import { makeSshKey, type SshServer, startSshServer } from './sshd.ts';
import { run } from './tools.ts';

let fixture: Fixture;
let server: SshServer;
let keyId: string;

it.beforeAll(async ({ shared }) => {
  fixture = await openFixture(shared);
  const { privateKey, publicKey } = makeSshKey(join(fixture.folder, 'id'), 'a phrase for git');
  server = await startSshServer({
    folder: join(fixture.folder, 'sshd'),
    address: '127.0.0.2',
    publicKey,
    name: 'git',
  });
  keyId = await fixture.make('keys', { secret: { type: 'ssh', privateKey, passphrase: 'a phrase for git' } });
});
afterAll(async () => {
  server?.stop();
  fixture?.close();
});

const sshUrl = (folder: string) => `ssh://${server.user}@${server.address}:${server.port}${folder}`;
const runs = (repositoryId: string) => ({ app: 'bash', path: 'run.sh', repositoryId });

describe('a repository', () => {
  it('is fetched over ssh with a key and its passphrase, by branch, tag and commit', async () => {
    const folder = join(fixture.folder, 'over-ssh');
    const first = makeRepository(folder, { 'run.sh': 'echo first\n' });
    run('git', ['tag', 'v1'], folder);
    const second = makeRepository(folder, { 'run.sh': 'echo second\n' });
    for (const [branch, output, hash] of [
      ['main', 'second\n', second],
      ['v1', 'first\n', first],
      [first, 'first\n', first],
      [first.slice(0, 10), 'first\n', first],
    ] as const) {
      const repositoryId = await fixture.make('repositories', { url: sshUrl(folder), branch, keyId });
      const done = await fixture.finish(runs(repositoryId));
      expect(done.task).toMatchObject({ status: 'success', commit: { hash, message: 'With run.sh' } });
      expect(done.output.endsWith(output)).toBe(true);
    }
  });

  it('comes from its cache and is updated, also for tasks at the same time', async () => {
    const url = join(fixture.folder, 'changing');
    makeRepository(url, { 'run.sh': 'cat data\n', data: 'one\n' });
    const repositoryId = await fixture.make('repositories', { url });
    const before = await Promise.all([0, 1, 2].map(() => fixture.finish(runs(repositoryId))));
    expect(before.map(({ output }) => output)).toEqual(['one\n', 'one\n', 'one\n']);
    const hash = makeRepository(url, { data: 'two\n' });
    const after = await fixture.finish(runs(repositoryId));
    expect(after.output).toBe('two\n');
    expect(after.task.commit).toEqual({ hash, message: 'With data' });
    const caches = readdirSync(fixture.disk, { recursive: true, encoding: 'utf8' });
    expect(caches.filter((name) => /repositories\/prj_[^/]+\/[^/]+\.git$/.test(name)).length).toBeGreaterThan(
      0,
    );
  });

  it('is rejected when the host shows another key than the given one', async () => {
    const folder = join(fixture.folder, 'strict');
    makeRepository(folder, { 'run.sh': 'echo in\n' });
    const url = sshUrl(folder);
    const right = await fixture.make('repositories', { url, keyId, knownHosts: server.knownHost });
    expect((await fixture.finish(runs(right))).output).toBe('in\n');
    const { publicKey } = makeSshKey(join(fixture.folder, 'other'));
    const [host = ''] = server.knownHost.split(' ');
    const wrong = await fixture.make('repositories', { url, keyId, knownHosts: `${host} ${publicKey}` });
    const refused = await fixture.finish(runs(wrong));
    expect(refused.task).toMatchObject({ status: 'error', reason: expect.stringContaining('Cannot fetch') });
    expect(refused.log).toContain('Host key verification failed');
  });

  it('fails without its key', async () => {
    const folder = join(fixture.folder, 'closed');
    makeRepository(folder, { 'run.sh': 'echo in\n' });
    const repositoryId = await fixture.make('repositories', { url: sshUrl(folder) });
    const { task, log } = await fixture.finish(runs(repositoryId));
    expect(task.status).toBe('error');
    expect(log).toContain('Permission denied');
  });
});
