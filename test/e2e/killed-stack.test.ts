/** `kill -9` of the whole stack under load: accepted tasks end once the stack runs again on the same data. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import * as z from 'zod';
import { hasEnded, type TaskId } from '../../protocol/index.ts';
import { apiClient, installAgent, until } from '../client.ts';
import { unique } from '../unique.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'reveille-killed-'));
const root = join(import.meta.dirname, '../..');
let stack: ChildProcess | undefined;

const instancesOf = () =>
  z
    .object({ instances: z.array(z.object({ id: z.string(), state: z.string() })) })
    .parse(JSON.parse(readFileSync(join(dataDir, 'instances.json'), 'utf8'))).instances;
const diskOf = (id: string) => join(dataDir, 'instances', id);

/**
 * Lists the processes of this stack's instances: agents by their command lines, their children by the
 * environment.
 */
const processesOf = (id: string): number[] => {
  if (!existsSync('/proc')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        const about = ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8'));
        return about.some((text) => text.includes(diskOf(id)));
      } catch {
        return false;
      }
    })
    .map(Number);
};

const killAll = (id: string): void => {
  for (const pid of processesOf(id)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has just ended by itself.
    }
  }
};

/** Starts the stack with `npm start`. */
const start = async (port: number): Promise<{ url: string; token: string }> => {
  const quick = ['--pending-ms', '0', '--boot-ms', '0', '--stop-ms', '0'];
  const args = ['local/main.ts', '--data', dataDir, '--port', String(port), ...quick];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  stack = child;
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (piece: Buffer) => {
      said += piece.toString();
    });
  }
  const url = await until('the stack is up', 120_000, () => {
    if (child.exitCode !== null) throw new Error(`The stack has ended: ${said}`);
    return /Reveille runs at (http:\/\/localhost:\d+)/.exec(said)?.[1];
  });
  return { url, token: /TOKEN=(\S+)/.exec(said)?.[1] ?? '' };
};

const killStack = async (): Promise<void> => {
  const child = stack;
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
};

afterAll(async () => {
  await killStack();
  for (const { id } of instancesOf()) killAll(id);
  rmSync(dataDir, { recursive: true, force: true });
});

it('ends all accepted tasks, whether the agents survive or die with the stack', async () => {
  const { url, token } = await start(0);
  const api = apiClient(url, token);
  const { id: projectId } = await api.createProject('Killed');
  const free = instancesOf().map(({ id }) => id);
  const addRunner = async (tag: string): Promise<string> => {
    const instanceId = free.pop() ?? '';
    const made = await api.createRunner(projectId, { name: tag, tags: [tag], instanceId, idleTimeoutMs: 0 });
    installAgent(diskOf(instanceId), made);
    return instanceId;
  };
  const task = async (tag: string, script: string) => {
    const template = await api.createTemplate(projectId, { name: unique(tag), app: 'bash', tag, script });
    return api.startTask(projectId, template.id);
  };
  const runs = (id: TaskId) =>
    until(`${id} runs`, 60_000, async () => (await api.getTask(projectId, id)).status === 'running');

  const dies = await addRunner('dies');
  await addRunner('lives');
  const onDying = await task('dies', 'sleep 8');
  const onLiving = await task('lives', 'sleep 8');
  await Promise.all([runs(onDying.id), runs(onLiving.id)]);
  const behind = await task('dies', 'true');
  await addRunner('asleep');
  // Just accepted: the instance is about to start.
  const justAccepted = await task('asleep', 'true');
  await killStack();
  killAll(dies);

  // The agents know the API by its port.
  await start(Number(new URL(url).port));
  for (const { id } of [onDying, onLiving, behind, justAccepted]) {
    const ended = await until(`${id} has ended`, 300_000, async () => {
      const now = await api.getTask(projectId, id);
      return hasEnded(now.status) && now;
    });
    expect(ended.status).toBe('success');
  }
  const allStopped = () => instancesOf().every(({ state }) => state === 'stopped');
  await until('every instance has stopped', 120_000, allStopped);
  await until('no process of an instance is left', 60_000, () =>
    instancesOf().every(({ id }) => processesOf(id).length === 0),
  );
});
