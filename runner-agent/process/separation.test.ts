import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aProjectId } from '../testing/builders.ts';
import { openTaskFixture, type TaskFixture } from '../testing/task-fixture.ts';
import { isRoot, openSeparation } from '../testing/users.ts';
import type { Separation } from './separation.ts';
import { processesOf } from './user-processes.ts';
import { createUserShell } from './user-shell.ts';

let fixture: TaskFixture;
let separation: Separation;
beforeEach(async () => {
  if (!isRoot) return;
  fixture = await openTaskFixture();
  await chmod(fixture.folder, 0o711);
  separation = await openSeparation();
});
afterEach(() => fixture?.close());

const run = (script: string, given: object = {}) =>
  fixture.run({ script, ...given }, process.env.PATH, { separation });

describe.skipIf(!isRoot)('a task with a user of its own', () => {
  it('runs as that user, in folders that are its own, and leaves none of them', async () => {
    const { result, output } = await run(
      'id -un; id -Gn; echo "$USER"; touch "$HOME/a" "$TMPDIR/b" c; cat "$SECRET_FILE"; ls /root',
      { secretFiles: { SECRET_FILE: 'from the file\n' } },
    );
    expect(output).toMatch(/^games\ngames\ngames\nfrom the file\n/);
    expect(output).toMatch(/\/root.*Permission denied/);
    expect(result.status).toBe('error');
    expect(readdirSync(join(fixture.workDir, 'tasks'))).toEqual([]);
  });

  it('gets variables that load code, while programs of root do not', async () => {
    // With this variable the loader names each program that it starts.
    const variables = { LD_DEBUG: 'files', LANGUAGE: '../x' };
    const { output } = await run('echo "$LD_DEBUG $LANGUAGE"', { variables });
    expect(output).toContain('files ../x\n');
    expect(output).toContain('/bash');
    expect(output).not.toContain('setpriv');
  });

  it('leaves no process, also none with a session and an environment of its own', async () => {
    const { output } = await run('setsid env -i sleep 600 & disown; id -u');
    expect(processesOf(Number(output))).toEqual([]);
  });

  it('leaves no files in shared folders, and no memory of System V', async () => {
    const name = `reveille-left-${process.pid}`;
    const { output } = await run(
      `mkdir -p /tmp/${name}/a; touch /dev/shm/${name}; chmod 0 /tmp/${name}; ipcmk -M 64 >&2; id -u`,
    );
    expect([...readdirSync('/tmp'), ...readdirSync('/dev/shm')]).not.toContain(name);
    const uid = output.trim().split('\n').at(-1);
    expect(execFileSync('ipcs', ['-m'], { encoding: 'utf8' })).not.toMatch(new RegExp(`\\s${uid}\\s`));
  });

  it('leaves a folder that keeps everybody out, or links, without harm to what they name', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'reveille-outside-'));
    writeFileSync(join(outside, 'file'), 'safe');
    const { result } = await run(
      `mkdir -p a/b; ln -s ${outside} a/link; chmod 0 a/b a; cd /; rmdir "$TMPDIR" && ln -s ${outside} "$TMPDIR"`,
    );
    expect(result.status).toBe('success');
    expect(readdirSync(join(fixture.workDir, 'tasks'))).toEqual([]);
    expect(readdirSync(outside)).toEqual(['file']);
    rmSync(outside, { recursive: true });
  });

  it('gives its user to the next task when it ends', async () => {
    for (let round = 0; round < 5; round += 1) expect((await run('true')).result.status).toBe('success');
    expect(separation.size()).toBe(2);
  });
});

describe.skipIf(!isRoot)('a user of the pool', () => {
  it('wants the programs by which it is cleaned', async () => {
    const path = join(fixture.folder, 'few');
    mkdirSync(path);
    for (const name of ['setpriv', 'env', 'sh', 'chmod']) symlinkSync('/bin/true', join(path, name));
    await expect(createUserShell(path)).rejects.toThrow('find is not installed');
  });

  it('has to reach the working folder', async () => {
    await chmod(fixture.folder, 0o711);
    await expect(separation.requireAccess(fixture.folder)).resolves.toBeUndefined();
    await chmod(fixture.folder, 0o700);
    await expect(separation.requireAccess(fixture.folder)).rejects.toThrow('chmod o+x');
  });
});

describe.skipIf(!isRoot)('the repository of a task with a user of its own', () => {
  const projectId = aProjectId();
  const repository = async () => ({
    url: await fixture.repository('app', { 'run.sh': script }),
    branch: 'main',
  });
  const script = 'id -un; find "$HOME/../../../repositories" 2>&1 || true; git log -1 --format=%s';

  it('is fetched by the user of its cache, and not readable for the task', async () => {
    const given = { projectId, path: 'run.sh', repository: await repository(), script: undefined };
    const { result, output } = await fixture.run(given, process.env.PATH, { separation });
    expect(result).toMatchObject({ status: 'success', commit: { message: 'With run.sh' } });
    expect(output).toContain('Permission denied');
    const cache = join(fixture.workDir, 'repositories', projectId);
    expect(lstatSync(cache).mode & 0o777).toBe(0o750);
    expect(lstatSync(cache).uid).toBe(separation.cacheUsers[0]?.uid);
  });

  it('is removed for another project when there is no other user', async () => {
    const url = await repository();
    for (const owner of [aProjectId(), projectId]) {
      const given = { projectId: owner, path: 'run.sh', repository: url, script: undefined };
      const { result } = await fixture.run(given, process.env.PATH, { separation });
      expect(result.status).toBe('success');
    }
    expect(readdirSync(join(fixture.workDir, 'repositories'))).toEqual([projectId]);
  });

  it('is removed at the start when its folder belongs to nobody of the pool', async () => {
    const folder = join(fixture.workDir, 'repositories', projectId);
    mkdirSync(folder, { recursive: true });
    symlinkSync('/etc', join(folder, 'link'));
    await run('true');
    expect(readdirSync(join(fixture.workDir, 'repositories'))).toEqual([]);
  });
});
