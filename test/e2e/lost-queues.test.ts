/**
 * A restart of the stack that loses every message of its queues: what waits and what comes then still runs,
 * on runners of a project and on global ones.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { listenOnLoopback, stopServer } from '../../local/http-server.ts';
import { type LocalStack, type LocalStackOptions, startStack } from '../../local/stack.ts';
import {
  integration,
  integrationEvent,
  type ProjectId,
  type RunnerInput,
  type Task,
  type TaskId,
  task,
} from '../../protocol/index.ts';
import { apiClient, type Client, installAgent, until } from '../client.ts';
import { templatesOf } from '../templates.ts';
import { unique } from '../unique.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'reveille-lost-queues-'));
const said: string[] = [];
let stack: LocalStack;
let api: Client;
/** Answers every webhook with 503. */
let brokenReceiver: Server | undefined;

/** A running task, and the instance that it runs on. */
interface Held {
  readonly pool: ProjectId | undefined;
  readonly instanceId: string;
  readonly task: Task;
}
type Finding = 'event' | 'reconciler';
const held: Record<Finding, Held[]> = { event: [], reconciler: [] };
/** Projects with a schedule and an integration each; the second uses a global runner. */
const starters: { id: ProjectId; scheduleId: string; integrationPath: string; hookPath: string }[] = [];
let globalRunner: Awaited<ReturnType<typeof addRunner>>;

const start = async (more: Partial<LocalStackOptions> = {}): Promise<void> => {
  const log = (source: string, line: string) => said.push(`${source}: ${line}`);
  const templateDir = await templatesOf();
  stack = await startStack({ dataDir, templateDir, schedules: false, log, ...more });
};
const addRunner = async (pool: ProjectId | undefined, input: Partial<RunnerInput>) => {
  const instanceId = stack.ec2.createStoppedInstance();
  const made = await api.createRunner(pool, { name: instanceId, instanceId, ...input });
  installAgent(stack.ec2.diskOf(instanceId), made);
  return { instanceId, id: made.runner.id };
};
const becomes = (projectId: ProjectId, id: TaskId, status: Task['status']) =>
  until(`${id} is ${status}`, 60_000, async () => {
    const now = await api.getTask(projectId, id);
    return now.status === status && now;
  });

/** Starts a task on a runner that has no room for another. It runs until the runner is lost. */
const hold = async (pool: ProjectId | undefined): Promise<Held> => {
  const owner = pool ?? (await api.createProject(unique('Elsewhere'))).id;
  const { instanceId } = await addRunner(pool, { maxParallelTasks: 1, idleTimeoutMs: 600_000 });
  const template = { name: unique('hold'), app: 'bash', script: 'sleep 600', onRunnerLost: 'retry' };
  const { id: templateId } = await api.createTemplate(owner, template);
  const { id } = await api.startTask(owner, templateId);
  return { pool, instanceId, task: await becomes(owner, id, 'running') };
};

/** Makes a project whose template is started by a schedule and by an integration. */
const aStarter = async (name: string) => {
  const { id } = await api.createProject(name);
  const base = `/api/projects/${id}`;
  const template = { name: 'Nightly', app: 'bash', script: 'true' };
  const { id: templateId } = await api.createTemplate(id, template);
  const identified = z.object({ id: z.string() });
  const cron = '0 3 * * *';
  const schedule = await api.call('POST', `${base}/schedules`, { name: 'nightly', templateId, cron });
  const made = await api.call('POST', `${base}/integrations`, { name: 'pushes', templateId });
  const { id: integrationId, url = '' } = integration.parse(made);
  return {
    id,
    scheduleId: identified.parse(schedule).id,
    integrationPath: `${base}/integrations/${integrationId}`,
    hookPath: new URL(url).pathname,
  };
};

beforeAll(async () => {
  await start();
  const token = stack.adminToken ?? '';
  api = apiClient(stack.url, token);
  const { id: projectId } = await api.createProject('Own');
  for (const finding of ['event', 'reconciler'] as const) {
    for (const pool of [projectId, undefined]) held[finding].push(await hold(pool));
  }
  starters.push(await aStarter('Own runner'), await aStarter('Global runner'));
  await addRunner(starters[0]?.id, { idleTimeoutMs: 0 });
  globalRunner = await addRunner(undefined, { idleTimeoutMs: 0 });

  const port = Number(new URL(stack.url).port);
  await stack.stop();
  // Instances that stopped while nobody watched.
  const file = join(dataDir, 'instances.json');
  const stopped = held.reconciler.map(({ instanceId }) => instanceId);
  const saved = z
    .looseObject({ instances: z.array(z.looseObject({ id: z.string(), state: z.string() })) })
    .parse(JSON.parse(readFileSync(file, 'utf8')));
  for (const instance of saved.instances) if (stopped.includes(instance.id)) instance.state = 'stopped';
  writeFileSync(file, JSON.stringify(saved));
  // A stop is known before the instance has stopped.
  await start({ port, delays: { stoppingMs: 1000 } });
  api = apiClient(stack.url, token);
});
afterAll(async () => {
  await stack?.stop();
  if (brokenReceiver) await stopServer(brokenReceiver);
  rmSync(dataDir, { recursive: true, force: true });
});

it('starts tasks of schedules', async () => {
  for (const { scheduleId } of starters)
    expect(stack.scheduler.list().map(({ Name }) => Name)).toContain(scheduleId);
  await stack.scheduler.runDue(new Date('2030-01-02T03:00:00Z'));
  for (const { id } of starters) {
    const list = z.object({ items: z.array(task) });
    const [started] = list.parse(await api.call('GET', `/api/projects/${id}/tasks`)).items;
    await becomes(id, started?.id ?? 'tsk_', 'success');
  }
});

it('starts tasks from events of integrations', async () => {
  for (const { id, integrationPath, hookPath } of starters) {
    const answer = await fetch(`${stack.url}${hookPath}`, { method: 'POST', body: '{}' });
    expect(answer.status).toBe(202);
    const { taskId } = await until('the event has an outcome', 60_000, async () => {
      const list = z.object({ items: z.array(integrationEvent) });
      const [event] = list.parse(await api.call('GET', `${integrationPath}/events`)).items;
      return event?.outcome !== 'received' && event;
    });
    await becomes(id, taskId ?? 'tsk_', 'success');
  }
});

describe('a task of a stopped instance', () => {
  beforeAll(async () => {
    brokenReceiver = createServer((request, response) => {
      request.resume();
      response.writeHead(503).end();
    });
    const webhookUrl = `http://127.0.0.1:${await listenOnLoopback(brokenReceiver, 0)}/hook`;
    // Only the runners of these tests have room; the fallbacks' webhooks need retries.
    const { id, instanceId } = globalRunner;
    await api.call('PUT', `/api/runners/${id}`, { name: instanceId, instanceId, active: false });
    for (const { pool } of held.event) await api.createRunner(pool, { name: 'fallback', webhookUrl });
  });

  it.each(['event', 'reconciler'] as const)('is assigned again, found by the %s', async (finding) => {
    if (finding === 'event') for (const { instanceId } of held.event) stack.ec2.stop(instanceId);
    for (const { task: lost } of held[finding]) {
      await until(`${lost.id} waits for its second attempt`, 60_000, async () => {
        if (finding === 'reconciler') await stack.invoke('Reconcile', {});
        const { attempt, runnerId } = await api.getTask(lost.projectId, lost.id);
        return attempt === 2 && runnerId !== undefined;
      });
      await api.stopTask(lost.projectId, lost.id);
    }
  });
});

it('is denied no permission during these tests', () => {
  expect(said.filter((line) => line.includes('is not authorized to perform'))).toEqual([]);
});
