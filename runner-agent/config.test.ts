import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentEnvironment, duration, loadStartConfig } from './config.ts';
import { makeKeyPair } from './secrets/keys.ts';

let folder: string;
let path: string;
const { privateKey } = makeKeyPair();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-config-'));
  path = join(folder, 'runner.json');
});
afterEach(() => rm(folder, { recursive: true }));

const save = (content: unknown) => writeFile(path, JSON.stringify(content));
const load = (flags = {}, env = {}) =>
  loadStartConfig({ config: path, ...flags }, agentEnvironment.parse(env));

describe('the configuration', () => {
  it("accepts the answer to a runner's creation unchanged", async () => {
    await save({
      apiUrl: 'https://api.example.com',
      token: 't',
      privateKey,
      webhookSecret: 'whsec_x',
      runner: { id: 'run_1', tags: ['sydney'] },
    });
    expect(await load()).toEqual({
      apiUrl: 'https://api.example.com',
      token: 't',
      privateKey,
      workDir: '/var/lib/reveille',
      shutdownGraceMs: 60_000,
      minFreeMiB: 100,
      logLevel: 'info',
    });
  });

  it('prefers a flag to the environment, and the environment to the file', async () => {
    await save({ apiUrl: 'https://file', token: 'file', privateKey, workDir: '/file' });
    const env = { REVEILLE_RUNNER_TOKEN: 'env', REVEILLE_WORK_DIR: '/env' };
    expect(await load({ workDir: '/flag' }, env)).toMatchObject({
      apiUrl: 'https://file',
      token: 'env',
      workDir: '/flag',
    });
  });

  it('reads the key from a file beside the config, unless the environment has one', async () => {
    await writeFile(join(folder, 'runner.key'), privateKey);
    await save({ apiUrl: 'https://file', token: 't', privateKeyFile: 'runner.key' });
    expect((await load()).privateKey).toBe(privateKey);
    const other = makeKeyPair().privateKey;
    expect((await load({}, { REVEILLE_RUNNER_PRIVATE_KEY: other })).privateKey).toBe(other);
  });

  it.each([
    ['{', 'is not JSON'],
    ['{"apiUrl":"ftp://x"}', 'apiUrl: must be an http or https URL'],
    ['{"apiUrl":"https://x"}', "The runner's token is missing"],
    ['{"apiUrl":"https://x","token":"t"}', 'The private key is missing'],
    ['{"apiUrl":"https://x","token":"t","privateKeyFile":"none"}', 'is not there'],
    ['{"shutdownGrace":"soon"}', 'must be a duration'],
  ])('explains the error in %s', async (content, message) => {
    await writeFile(path, content);
    await expect(load()).rejects.toThrow(message);
  });

  it('requires a named file, but not the default one', async () => {
    await expect(load()).rejects.toThrow('is not there');
    await expect(loadStartConfig({}, agentEnvironment.parse({}))).rejects.toThrow('API URL is missing');
  });

  it.each([
    ['90s', 90_000],
    ['5m', 300_000],
    ['250ms', 250],
    ['0', 0],
    [10, 10_000],
  ])('reads the duration %s', (given, ms) => {
    expect(duration.parse(given)).toBe(ms);
  });
});
