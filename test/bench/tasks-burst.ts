/**
 * A burst of tasks on the whole local stack with the concurrency of a new AWS account: real agents, one for
 * each runner, and EC2's token buckets.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startStack } from '../../local/stack.ts';
import { listTasks } from '../../protocol/endpoints/tasks.ts';
import type { ProjectId, Task, TaskId, Template } from '../../protocol/index.ts';
import { apiClient, type Client, installAgent, until } from '../client.ts';

export interface TasksFigures {
  readonly posted: number;
  /** Calls of the API that Lambda refused, and that the client repeated. */
  readonly refused: number;
  readonly ended: number;
  /** Tasks that ran more than once, on a runner without their tag, or not to success. */
  readonly wrong: readonly string[];
  readonly stillOn: number;
  readonly startCalls: number;
  readonly requestsPerTask: number;
  readonly postedMs: number;
  readonly endedMs: number;
}

/** Concurrent executions of a new account (AWS: Lambda quotas). */
const concurrency = 10;
const tags = ['red', 'green', 'blue', 'white', 'black'];
/** Requests that clients make at a time. */
const clients = 20;
const pageSize = 100;

/** Repeats what Lambda refused: the function did not run. */
const patientFetch = (onRefused: () => void): typeof fetch => {
  const send: typeof fetch = async (...request) => {
    for (let delayMs = 250; ; delayMs = Math.min(4000, delayMs * 2)) {
      const response = await fetch(...request);
      if (response.status !== 503 && response.status !== 429) return response;
      onRefused();
      await pause(delayMs * (0.5 + Math.random() / 2));
    }
  };
  return send;
};

const allTasks = async (api: Client, projectId: ProjectId): Promise<Task[]> => {
  const found: Task[] = [];
  let cursor: string | undefined;
  do {
    const query = { limit: pageSize, cursor };
    const page = await api.ask(listTasks, { params: { projectId }, query });
    found.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
};

const countOf = async (api: Client, projectId: ProjectId, status: Task['status']) =>
  (await api.ask(listTasks, { params: { projectId }, query: { status, limit: 1 } })).items.length;

/** Runs `work` for each number below `count`, `clients` at a time. */
const several = async (count: number, work: (number: number) => Promise<void>): Promise<void> => {
  let next = 0;
  const one = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: clients }, one));
};

/** Starts `count` tasks at once. Resolves when all have ended and all machines are off. */
export const benchTasks = async (count: number, runners: number): Promise<TasksFigures> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'reveille-bench-'));
  const stack = await startStack({ dataDir, concurrency });
  try {
    let refused = 0;
    const api = apiClient(
      stack.url,
      stack.adminToken ?? '',
      patientFetch(() => {
        refused += 1;
      }),
    );
    const { id: projectId } = await api.createProject('Burst');
    const tagOf = new Map<string, string>();
    for (let made = 0; made < runners; made++) {
      const tag = tags[made % tags.length] ?? '';
      const instanceId = stack.ec2.createStoppedInstance();
      const runner = { name: `${tag}-${made}`, tags: [tag], instanceId, idleTimeoutMs: 0 };
      const created = await api.createRunner(projectId, { ...runner, maxParallelTasks: 2 });
      installAgent(stack.ec2.diskOf(instanceId), created);
      tagOf.set(created.runner.id, tag);
    }
    const templates: Template[] = [];
    for (const tag of tags.slice(0, runners)) {
      const template = { name: tag, app: 'bash', script: 'echo ran', tag };
      templates.push(await api.createTemplate(projectId, template));
    }
    stack.resetRequests();

    const beganMs = Date.now();
    const posted = new Set<TaskId>();
    await several(count, async (number) => {
      const template = templates[number % templates.length];
      if (template) posted.add((await api.startTask(projectId, template.id)).id);
    });
    const postedMs = Date.now() - beganMs;
    await until('all tasks have ended', 1_200_000, async () => {
      for (const status of ['waiting', 'starting', 'running'] as const)
        if ((await countOf(api, projectId, status)) > 0) return false;
      return true;
    });
    const endedMs = Date.now() - beganMs;
    const requests = stack.requests().reduce((sum, { count: some }) => sum + some, 0);
    const startCalls = stack.requests().filter(({ operation }) => operation === 'StartInstances');
    const on = () => stack.ec2.list().filter(({ state }) => state !== 'stopped').length;
    await until('all machines are off', 120_000, () => on() === 0).catch(() => undefined);

    const tasks = await allTasks(api, projectId);
    const wrong = tasks.flatMap(({ id, status, attempt, tag, runnerId = '' }) =>
      status === 'success' && attempt === 1 && tagOf.get(runnerId) === tag && posted.has(id)
        ? []
        : [`${id} is ${status}, attempt ${attempt}, tag ${tag}, on a runner of ${tagOf.get(runnerId)}`],
    );
    return {
      posted: posted.size,
      refused,
      ended: tasks.length,
      wrong,
      stillOn: on(),
      startCalls: startCalls.reduce((sum, { count: some }) => sum + some, 0),
      requestsPerTask: requests / count,
      postedMs,
      endedMs,
    };
  } finally {
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
};
