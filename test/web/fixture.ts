/** Fixture of the stories: a stack with an owner, who may do everything. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import type { LocalStack } from '../../local/stack.ts';
import { root } from '../../local/template/synth.ts';
import {
  type CreatedRunner,
  hasEnded,
  type ProjectId,
  type RunnerInput,
  type Task,
  type TaskId,
} from '../../protocol/index.ts';
import { type Client, installAgent, until } from '../client.ts';
import type { TestStack } from '../fixture.ts';
import { type Clicks, keepContext, type Story, tell, type Visitor } from './browser.ts';

const owner = { name: 'Ada Lovelace', email: 'ada@example.com', password: 'analytical engine' };

export interface Fixture {
  readonly stack: LocalStack;
  readonly api: Client;
  readonly browser: Browser;
  /** Folder for files of the stories. */
  readonly folder: string;
  /** Runs a story signed in as the owner. */
  readonly tellAsOwner: (name: string, clicks: Clicks, more?: Pick<Story, 'isTraced'>) => Promise<void>;
  /** The same in a browser context of its own: for measurements, and for `page.clock`. */
  readonly tellAfresh: (name: string, clicks: Clicks) => Promise<void>;
  readonly addRunner: (
    projectId: ProjectId,
    input: Partial<RunnerInput> & Pick<RunnerInput, 'name'>,
  ) => Promise<CreatedRunner>;
  readonly ended: (projectId: ProjectId, id: TaskId) => Promise<Task>;
  readonly close: () => void;
}

/** Creates the first user through the API; returns the session cookie. */
const signInOwner = async (url: string, token: string): Promise<Visitor['cookies']> => {
  const answer = await fetch(`${url}/api/setup`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(owner),
  });
  const [cookie = ''] = answer.headers.getSetCookie();
  const [name = '', value = ''] = cookie.split(';')[0]?.split('=') ?? [];
  if (!answer.ok || name === '') throw new Error(`Nobody could be signed in: ${await answer.text()}`);
  const shared = { domain: 'localhost', path: '/', expires: -1, httpOnly: true, secure: false };
  return [{ name, value, ...shared, sameSite: 'Lax' }];
};

/** Signs the owner of a new stack in. */
export const openFixture = async (
  browser: Browser,
  { stack, api }: Pick<TestStack, 'stack' | 'api'>,
): Promise<Fixture> => {
  const folder = mkdtempSync(join(tmpdir(), 'reveille-web-'));
  const cookies = await signInOwner(stack.url, stack.adminToken ?? '');
  const tellInKeptContext = await keepContext(browser, { origin: stack.url, cookies });
  return {
    stack,
    api,
    browser,
    folder,
    tellAsOwner: (name, clicks, more) => tellInKeptContext({ name, ...more }, clicks),
    tellAfresh: (name, clicks) =>
      tell(
        { browser, name, options: { baseURL: stack.url, storageState: { cookies, origins: [] } } },
        clicks,
      ),
    addRunner: async (projectId, input) => {
      const instanceId = stack.ec2.createStoppedInstance();
      const made = await api.createRunner(projectId, { instanceId, idleTimeoutMs: 0, ...input });
      installAgent(stack.ec2.diskOf(instanceId), made);
      return made;
    },
    ended: (projectId, id) =>
      until(`${id} has ended`, 60_000, async () => {
        const now = await api.getTask(projectId, id);
        return hasEnded(now.status) && now;
      }),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
};

/** Starts the agent by hand, as users do, with that environment. */
export const startAgent = (workDir: string, environment: Record<string, string>): ChildProcess => {
  const program = join(root, 'dist/runner-agent/reveille-runner.mjs');
  return spawn(process.execPath, [program, 'start', '--work-dir', workDir], {
    env: { PATH: process.env.PATH ?? '', HOME: workDir, ...environment },
    stdio: 'ignore',
  });
};

export const stopAgent = (agent: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (agent.exitCode !== null || agent.signalCode !== null) return resolve();
    agent.once('exit', () => resolve());
    agent.kill('SIGTERM');
  });
