/**
 * Asks on the terminal for the settings of a runner, and registers a new one or takes over an existing one.
 */
import { readFile } from 'node:fs/promises';
import { confirm, input, number, password, select } from '@inquirer/prompts';
import type { ApiClient } from '../api-client.ts';
import { readPrivateKey } from '../secrets/keys.ts';
import { refuseToReplace, stageConfig } from './config-writer.ts';
import { register } from './register.ts';

export interface SetupOptions {
  apiUrl: string | undefined;
  configPath: string;
  hostName: string;
  connect(apiUrl: string): ApiClient;
  say(line: string): void;
}

const isHttpUrl = (text: string) =>
  (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) ||
  'Give a URL such as https://example.com';
const isGiven = (text: string) => text.trim() !== '' || 'This is needed';

const askPrivateKey = async (): Promise<string> => {
  const path = await input({ message: "File with the runner's private key (PEM)", validate: isGiven });
  const pem = await readFile(path.trim(), 'utf8');
  readPrivateKey(pem);
  return pem;
};

export const setup = async ({ apiUrl, configPath, hostName, connect, say }: SetupOptions): Promise<void> => {
  const url = await input({
    message: 'URL of the Reveille API',
    validate: isHttpUrl,
    default: apiUrl,
  });
  const way = await select({
    message: 'This machine is',
    choices: [
      { name: 'a new runner (I have a registration token)', value: 'new' },
      { name: 'a runner made in the console (I have its token and private key)', value: 'existing' },
    ],
  });
  const path = await input({ message: 'Config file', default: configPath, validate: isGiven });
  const force = await refuseToReplace(path, false).then(
    () => false,
    () => confirm({ message: `Replace ${path}?`, default: false }),
  );
  await refuseToReplace(path, force);
  if (way === 'existing') {
    const token = await password({ message: "The runner's token", mask: true, validate: isGiven });
    const staged = await stageConfig(path, await askPrivateKey());
    await staged.commit({ apiUrl: url, token: token.trim() });
    say(`Wrote ${path}. Start the runner: reveille-runner start --config ${path}`);
    return;
  }
  const registrationToken = await password({ message: 'Registration token', mask: true, validate: isGiven });
  const name = await input({ message: 'Name of the runner', default: hostName, validate: isGiven });
  const maxParallelTasks = await number({
    message: 'Tasks at a time (0 = no limit)',
    default: 1,
    min: 0,
    max: 1000,
  });
  const { runnerId } = await register(connect(url), {
    apiUrl: url,
    registrationToken: registrationToken.trim(),
    configPath: path,
    workDir: undefined,
    force,
    request: { name, maxParallelTasks },
  });
  say(`Registered ${name} as ${runnerId} and wrote ${path}.`);
  say(`Start the runner: reveille-runner start --config ${path}`);
};
