import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect } from 'vitest';
import { it } from '../fixture.ts';
import { makeSshKey, type SshServer, startSshServer } from './sshd.ts';
import { run } from './tools.ts';
import { makeRepository, openWorkbench, type Workbench } from './workbench.ts';

let bench: Workbench;
let server: SshServer;
let keyId: string;

it.beforeAll(async ({ shared }) => {
  bench = await openWorkbench(shared);
  const { privateKey, publicKey } = makeSshKey(join(bench.folder, 'id'), 'a phrase for git');
  server = await startSshServer({
    folder: join(bench.folder, 'sshd'),
    address: '127.0.0.2',
    publicKey,
    name: 'git',
  });
  keyId = await bench.make('keys', { secret: { type: 'ssh', privateKey, passphrase: 'a phrase for git' } });
});
afterAll(async () => {
  server?.stop();
  bench?.close();
});

const sshUrl = (folder: string) => `ssh://${server.user}@${server.address}:${server.port}${folder}`;
const runs = (repositoryId: string) => ({ app: 'bash', path: 'run.sh', repositoryId });

describe('a repository', () => {
  it('is fetched over ssh with a key and its passphrase, by branch, tag and commit', async () => {
    const folder = join(bench.folder, 'over-ssh');
    const first = makeRepository(folder, { 'run.sh': 'echo first\n' });
    run('git', ['tag', 'v1'], folder);
    const second = makeRepository(folder, { 'run.sh': 'echo second\n' });
    for (const [branch, output, hash] of [
      ['main', 'second\n', second],
      ['v1', 'first\n', first],
      [first, 'first\n', first],
      [first.slice(0, 10), 'first\n', first],
    ] as const) {
      const repositoryId = await bench.make('repositories', { url: sshUrl(folder), branch, keyId });
      const done = await bench.finish(runs(repositoryId));
      expect(done.task).toMatchObject({ status: 'success', commit: { hash, message: 'With run.sh' } });
      expect(done.output.endsWith(output)).toBe(true);
    }
  });

  it('comes from its cache and is updated, also for tasks at the same time', async () => {
    const url = join(bench.folder, 'changing');
    makeRepository(url, { 'run.sh': 'cat data\n', data: 'one\n' });
    const repositoryId = await bench.make('repositories', { url });
    const before = await Promise.all([0, 1, 2].map(() => bench.finish(runs(repositoryId))));
    expect(before.map(({ output }) => output)).toEqual(['one\n', 'one\n', 'one\n']);
    const hash = makeRepository(url, { data: 'two\n' });
    const after = await bench.finish(runs(repositoryId));
    expect(after.output).toBe('two\n');
    expect(after.task.commit).toEqual({ hash, message: 'With data' });
    const caches = readdirSync(bench.disk, { recursive: true, encoding: 'utf8' });
    expect(caches.filter((name) => /repositories\/prj_[^/]+\/[^/]+\.git$/.test(name)).length).toBeGreaterThan(
      0,
    );
  });

  it('is rejected when the host shows another key than the given one', async () => {
    const folder = join(bench.folder, 'strict');
    makeRepository(folder, { 'run.sh': 'echo in\n' });
    const url = sshUrl(folder);
    const right = await bench.make('repositories', { url, keyId, knownHosts: server.knownHost });
    expect((await bench.finish(runs(right))).output).toBe('in\n');
    const { publicKey } = makeSshKey(join(bench.folder, 'other'));
    const [host = ''] = server.knownHost.split(' ');
    const wrong = await bench.make('repositories', { url, keyId, knownHosts: `${host} ${publicKey}` });
    const refused = await bench.finish(runs(wrong));
    expect(refused.task).toMatchObject({ status: 'error', reason: expect.stringContaining('Cannot fetch') });
    expect(refused.log).toContain('Host key verification failed');
  });

  it('fails without its key', async () => {
    const folder = join(bench.folder, 'closed');
    makeRepository(folder, { 'run.sh': 'echo in\n' });
    const repositoryId = await bench.make('repositories', { url: sshUrl(folder) });
    const { task, log } = await bench.finish(runs(repositoryId));
    expect(task.status).toBe('error');
    expect(log).toContain('Permission denied');
  });
});
