import { chown, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentEnvironment, loadStartConfig } from '../config.ts';
import { createHttpTransport } from '../http-transport.ts';
import { makeKeyPair, readPrivateKey } from '../secrets/keys.ts';
import { startTestApi, type TestApi } from '../testing/api-server.ts';
import { createCli } from './cli.ts';

let api: TestApi;
let folder: string;
let config: string;
beforeEach(async () => {
  api = await startTestApi(makeKeyPair().publicKey, 'http://127.0.0.1');
  folder = await mkdtemp(join(tmpdir(), 'reveille-register-'));
  config = join(folder, 'etc', 'runner.json');
});
afterEach(async () => {
  await api?.close();
  await rm(folder, { recursive: true });
});

const open = (variables = {}) => {
  let output = '';
  const stdout = Object.assign(Object.create(process.stdout), {
    write: (text: string) => {
      output += text;
      return true;
    },
  });
  const cli = createCli({
    version: '0.0.0',
    env: agentEnvironment.parse(variables),
    process: { stdout, stderr: stdout, on: process.on },
    transport: createHttpTransport(),
  });
  return { cli, output: () => output };
};
const run = async (args: string[], variables = {}) => {
  const { cli, output } = open(variables);
  await cli.parseAsync(['node', 'reveille-runner', ...args]);
  return output();
};
const helpOf = (name: string): string => {
  const command = open().cli.commands.find((one) => one.name() === name);
  let help = '';
  command?.configureOutput({
    writeOut: (text) => {
      help += text;
    },
  });
  command?.outputHelp();
  return help;
};
const register = (...more: string[]) =>
  run(
    ['register', '--api-url', api.url, '--name', 'web-1', '--max-parallel-tasks', '3', '-c', config, ...more],
    { REVEILLE_REGISTRATION_TOKEN: 'reg' },
  );

describe('register and unregister', () => {
  it('list in their help exactly the variables that they read', () => {
    const variables = (name: string) => [...helpOf(name).matchAll(/REVEILLE_\w+/g)].map(([found]) => found);
    expect(variables('unregister')).toEqual(['REVEILLE_CONFIG', 'REVEILLE_API_URL', 'REVEILLE_RUNNER_TOKEN']);
    expect(variables('register')).not.toContain('REVEILLE_RUNNER_TOKEN');
    expect(variables('start')).toContain('REVEILLE_MIN_FREE_MIB');
  });

  it('create a key pair, send its public half, and write files that only the owner can read', async () => {
    expect(await register('--idle-timeout', '5m')).toContain(`Registered web-1 as ${api.runnerId}`);
    expect(api.registered[0]).toMatchObject({ name: 'web-1', maxParallelTasks: 3, idleTimeoutMs: 300_000 });
    expect((await stat(config)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'etc', 'runner.key'))).mode & 0o777).toBe(0o600);
    const started = await loadStartConfig({ config }, agentEnvironment.parse({}));
    expect(started).toMatchObject({ apiUrl: api.url, token: api.token });
    expect(readPrivateKey(started.privateKey).asymmetricKeyType).toBe('x25519');

    await run(['unregister', '-c', config]);
    expect(api.count('unregister')).toBe(1);
    expect(await readdir(join(folder, 'etc'))).toEqual([]);
  });

  it.runIf(process.getuid?.() === 0)('give the files the group of a shared folder', async () => {
    await mkdir(join(folder, 'etc'), { mode: 0o750 });
    await chown(join(folder, 'etc'), 0, 4242);
    await register();
    for (const name of ['runner.json', 'runner.key']) {
      const { uid, gid, mode } = await stat(join(folder, 'etc', name));
      expect({ uid, gid, mode: mode & 0o777 }).toEqual({ uid: 0, gid: 4242, mode: 0o640 });
    }
  });

  it('keep an existing config unless forced', async () => {
    await register();
    const before = await readFile(config, 'utf8');
    await expect(register()).rejects.toThrow('is there already');
    expect(await readFile(config, 'utf8')).toBe(before);
    await register('--force');
    const unauthenticated = { type: 'urn:x', title: 'x', status: 401, detail: 'No', code: 'unauthenticated' };
    api.intercept = () => ({ status: 401, body: unauthenticated });
    const key = await readFile(join(folder, 'etc', 'runner.key'), 'utf8');
    await expect(register('--force')).rejects.toThrow('refuses');
    expect(await readFile(join(folder, 'etc', 'runner.key'), 'utf8')).toBe(key);
  });

  it('leave nothing behind when the API refuses', async () => {
    api.intercept = () => ({
      status: 401,
      body: { type: 'urn:x', title: 'x', status: 401, detail: 'The token was used', code: 'unauthenticated' },
    });
    await expect(register()).rejects.toThrow('refuses the registration: The token was used');
    expect(await readdir(join(folder, 'etc'))).toEqual([]);
  });
});
