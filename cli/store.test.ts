import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configPathIn, createStore } from './store.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'reveille-cli-'));
});
afterEach(() => rm(home, { recursive: true }));

describe('the stored sign-in', () => {
  it('is readable by its owner alone, under XDG_CONFIG_HOME or ~/.config', async () => {
    expect(configPathIn({ HOME: home })).toBe(join(home, '.config/reveille/cli.json'));
    const path = configPathIn({ HOME: '/elsewhere', XDG_CONFIG_HOME: home });
    const store = createStore(path);
    expect(await store.read()).toBeUndefined();
    await store.write({ url: 'https://a.test', token: 'x' });
    await store.write({ url: 'https://a.test', token: 'y' });
    expect(await store.read()).toEqual({ url: 'https://a.test', token: 'y' });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(dirname(path))).mode & 0o777).toBe(0o700);
    expect(await readdir(dirname(path))).toEqual(['cli.json']);
    await store.remove();
    expect(await store.read()).toBeUndefined();
  });

  it('explains how to repair a damaged file', async () => {
    const path = join(home, 'cli.json');
    await writeFile(path, '{');
    await expect(createStore(path).read()).rejects.toThrow(/damaged: remove it and sign in again/);
  });
});
