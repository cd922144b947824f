/**
 * Fixture of every scenario: the stack, a client, a project, and a runner of this machine behind the proxy.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { startStack } from '../../local/stack.ts';
import { hasEnded, type TaskId } from '../../protocol/index.ts';
import { apiClient, until } from '../client.ts';
import { unique } from '../unique.ts';
import { type AgentProcess, startAgentProcess, writeConfig } from './agent-process.ts';
import { startFaultyProxy } from './faulty-proxy.ts';

export type Fixture = Awaited<ReturnType<typeof openFixture>>;

export const openFixture = async (random: () => number) => {
  const folder = mkdtempSync(join(tmpdir(), 'reveille-load-'));
  const stack = await startStack({ dataDir: join(folder, 'stack') });
  const api = apiClient(stack.url, stack.adminToken ?? '');
  const proxy = await startFaultyProxy(stack.url, random);
  const { id: projectId } = await api.createProject('Load');
  const agents: AgentProcess[] = [];

  /** Adds a runner with its own tag; returns its agent's command. */
  const addRunner = async (tag: string) => {
    const made = await api.createRunner(projectId, { name: tag, tags: [tag] });
    const home = join(folder, tag);
    const workDir = join(home, 'work');
    mkdirSync(home);
    const config = writeConfig(home, made, proxy.url);
    const start = () => {
      const agent = startAgentProcess(config, workDir);
      agents.push(agent);
      return agent;
    };
    const isOnline = () =>
      until(
        `${tag} is online`,
        20_000,
        async () => (await api.getRunner(projectId, made.runner.id)).status === 'online',
      );
    return { workDir, start, isOnline };
  };

  const addTemplate = async (input: object): Promise<string> =>
    (await api.createTemplate(projectId, { name: unique('load'), app: 'bash', ...input })).id;

  /** Downloads the log as a user does: part by part along the links. */
  const downloadLog = async (taskId: TaskId): Promise<string> => {
    const parts: Buffer[] = [];
    let path: string | undefined = `/api/projects/${projectId}/tasks/${taskId}/log/download`;
    while (path) {
      const answer: Response = await fetch(`${stack.url}${path}`, {
        headers: { authorization: `Bearer ${stack.adminToken}` },
      });
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      parts.push(Buffer.from(await answer.arrayBuffer()));
      path = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
    }
    return gunzipSync(Buffer.concat(parts)).toString();
  };

  const ended = (taskId: TaskId, timeoutMs: number) =>
    until(`${taskId} has ended`, timeoutMs, async () => {
      const task = await api.getTask(projectId, taskId);
      return hasEnded(task.status) && task;
    });

  return {
    folder,
    stack,
    api,
    proxy,
    projectId,
    addRunner,
    addTemplate,
    downloadLog,
    ended,
    close: async () => {
      for (const agent of agents) await agent.end('SIGKILL');
      proxy.stop();
      await stack.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
