import { lstat, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createWorkspace, secretsFolderOf, sweepWorkspaces } from './workspace.ts';

let workDir: string;
beforeEach(async () => {
  workDir = await mkdtemp(join(tmpdir(), 'reveille-workspace-'));
});
afterEach(async () => {
  await rm(await secretsFolderOf(workDir), { recursive: true, force: true });
  await rm(workDir, { recursive: true });
});

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

describe('a workspace', () => {
  it('keeps its secrets private, in memory where the machine allows it', async () => {
    const workspace = await createWorkspace({ workDir, name: 'one' });
    const path = await workspace.writePrivate('key', 'secret');
    expect(await readFile(path, 'utf8')).toBe('secret');
    expect([await modeOf(path), await modeOf(dirname(path)), await modeOf(workspace.root)]).toEqual([
      '600',
      '700',
      '700',
    ]);
    if (process.platform === 'linux') expect(path).toMatch(/^\/dev\/shm\/reveille-/);
  });

  it('is wiped with its secrets', async () => {
    const workspace = await createWorkspace({ workDir, name: 'one' });
    const path = await workspace.writePrivate('key', 'secret');
    await workspace.wipe();
    await expect(stat(dirname(dirname(path)))).rejects.toThrow('ENOENT');
    expect(await readdir(join(workDir, 'tasks'))).toEqual([]);
  });

  it('has a short HOME and TMPDIR in a long working folder, and leaves no link', async () => {
    const long = join(workDir, 'a-long-name/'.repeat(8));
    const workspace = await createWorkspace({ workDir: long, name: 'one' });
    await writeFile(join(workspace.temporary, 'a'), 'x');
    expect(await readFile(join(workspace.root, 'home/tmp/a'), 'utf8')).toBe('x');
    if (process.platform === 'linux') expect(workspace.temporary.length).toBeLessThanOrEqual(64);
    await workspace.wipe();
    await expect(lstat(workspace.home)).rejects.toThrow('ENOENT');
    expect(await readdir(join(long, 'tasks'))).toEqual([]);
  });

  it('can start while others end that share its secrets folder', async () => {
    const inTurn = async (name: string) => {
      for (let round = 0; round < 20; round += 1) {
        const workspace = await createWorkspace({ workDir, name: `${name}-${round}` });
        await workspace.writePrivate('key', 'secret');
        await workspace.wipe();
      }
    };
    await Promise.all(['a', 'b', 'c', 'd'].map(inTurn));
    expect(await readdir(join(workDir, 'tasks'))).toEqual([]);
  });

  it('is swept with its secrets when the agent restarts after a crash', async () => {
    const workspace = await createWorkspace({ workDir, name: 'one' });
    const path = await workspace.writePrivate('key', 'secret');
    await sweepWorkspaces(workDir);
    await expect(stat(path)).rejects.toThrow('ENOENT');
    expect(await readdir(join(workDir, 'tasks'))).toEqual([]);
  });
});
