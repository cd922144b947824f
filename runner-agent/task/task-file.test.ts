import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createUserShell } from '../process/user-shell.ts';
import { openTaskFixture, type TaskFixture } from '../testing/task-fixture.ts';
import { aUser, isRoot } from '../testing/users.ts';
import { ownTaskFiles, type TaskFiles, taskFilesOf } from './task-file.ts';

const places: [string, () => Promise<TaskFiles>][] = [
  ['of the own user', async () => ownTaskFiles],
  ['of another user', async () => taskFilesOf(await createUserShell(process.env.PATH ?? ''), await aUser())],
];

describe.each(isRoot ? places : places.slice(0, 1))('task files %s', (_, open) => {
  let files: TaskFiles;
  let folder: string;
  beforeEach(async () => {
    files = await open();
    folder = mkdtempSync(join(tmpdir(), 'reveille-file-'));
    chmodSync(folder, 0o755);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const read = (name: string, signal = new AbortController().signal) =>
    files.read(join(folder, name), 10, signal);

  it('reads a regular file, also by a link', async () => {
    writeFileSync(join(folder, 'file'), 'ten bytes!');
    symlinkSync('file', join(folder, 'link'));
    expect(await read('file')).toBe('ten bytes!');
    expect(await read('link')).toBe('ten bytes!');
  });

  it('tells folders, files and nothing apart', async () => {
    writeFileSync(join(folder, 'file'), '');
    const found = (name: string) =>
      Promise.all([files.exists(join(folder, name)), files.isFolder(join(folder, name))]);
    expect(await found('.')).toEqual([true, true]);
    expect(await found('file')).toEqual([true, false]);
    expect(await found('none')).toEqual([false, false]);
  });

  it.each([
    ['a file that is too long', (path: string) => writeFileSync(path, 'eleven byte')],
    ['a link to a device without an end', (path: string) => symlinkSync('/dev/zero', path)],
    ['a link to itself', (path: string) => symlinkSync(path, path)],
    ['a pipe that nobody writes to', (path: string) => execFileSync('mkfifo', [path])],
    ['a folder', (path: string) => mkdirSync(path)],
    ['nothing', () => undefined],
  ])('does not read %s', async (_, make) => {
    make(join(folder, 'it'));
    expect(await read('it')).toBeUndefined();
  });

  it('does not read when the time is over', async () => {
    writeFileSync(join(folder, 'file'), 'text');
    expect(await read('file', AbortSignal.abort())).toBeUndefined();
  });
});

describe('a task that puts something else in the place of a file', () => {
  let fixture: TaskFixture;
  beforeEach(async () => {
    fixture = await openTaskFixture();
  });
  afterEach(() => fixture?.close());

  const hosts =
    '[{"host":"h","ok":1,"changed":0,"unreachable":0,"failed":0,"skipped":0,"rescued":0,"ignored":0}]';
  const recap = '"$REVEILLE_ANSIBLE_HOSTS"';

  it('gets its hosts read from a regular file', async () => {
    const path = await fixture.program('ansible-playbook', `echo '${hosts}' > ${recap}`);
    const { result } = await fixture.run({ app: 'ansible', script: '-' }, path);
    expect(result.hosts).toMatchObject([{ host: 'h', ok: 1 }]);
  });

  it.each([
    ['a pipe', `mkfifo ${recap}`],
    ['a link to a device', `ln -s /dev/zero ${recap}`],
    ['a file of 1 GB', `truncate -s 1G ${recap}`],
  ])('ends without hosts, for %s', async (_, script) => {
    const path = await fixture.program('ansible-playbook', script);
    const { result } = await fixture.run({ app: 'ansible', script: '-' }, path);
    expect(result).toEqual({ status: 'success', exitCode: 0 });
  });

  /** Runs a playbook of a repository that has a link with that name. */
  const withLink = async (name: string, target: string, program: string, timeoutMs: number) => {
    const url = await fixture.repository('app', {
      'site.yml': '-',
      'real.cfg': '[defaults]\ncallback_plugins = own\n',
    });
    symlinkSync(target, join(url, name));
    fixture.git(url, 'add', '.');
    fixture.git(url, 'commit', '--quiet', '-m', 'With a link');
    const path = await fixture.program('ansible-playbook', 'echo "$ANSIBLE_CALLBACK_PLUGINS"');
    await fixture.program('ansible-galaxy', program);
    const repository = { url, branch: 'main' };
    return fixture.run({ app: 'ansible', path: 'site.yml', repository, timeoutMs, stopGraceMs: 0 }, path);
  };

  it('gets its ansible.cfg read through a link in the repository, not from a device or a pipe', async () => {
    const pipe = join(fixture.folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const [target, own] of [
      ['real.cfg', true],
      ['/dev/zero', false],
      [pipe, false],
    ] as const) {
      const { result, output } = await withLink('ansible.cfg', target, 'true', 60_000);
      expect({ target, status: result.status, own: output.trim().endsWith('/source/own') }).toEqual({
        target,
        status: 'success',
        own,
      });
      rmSync(join(fixture.folder, 'app'), { recursive: true });
    }
  });

  it('is ended at its time limit when its requirements are a pipe', async () => {
    const pipe = join(fixture.folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const { result } = await withLink('requirements.yml', pipe, 'exec cat "$3"', 5000);
    expect(result).toMatchObject({ status: 'error', reason: expect.stringContaining('timeout of 5 s') });
  });
});
