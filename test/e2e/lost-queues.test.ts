/**
 * Restarts of the stack that lose every message and every queue: what waits and what comes then still runs,
 * on runners of a project and on global ones. Each function that rings a doorbell makes the queue that it
 * lacks.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
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
import { ownContext } from '../fixture.ts';
import { templatesOf } from '../templates.ts';
import { unique } from '../unique.ts';

const folder = mkdtempSync(join(tmpdir(), 'reveille-lost-queues-'));
const said: string[] = [];
let stack: LocalStack;
let api: Client;
/** Answers every webhook with 503. */
let brokenReceiver: Server | undefined;
let webhookUrl: string;

beforeAll(async () => {
  brokenReceiver = createServer((request, response) => {
    request.resume();
    response.writeHead(503).end();
  });
  webhookUrl = `http://127.0.0.1:${await listenOnLoopback(brokenReceiver, 0)}/hook`;
});
afterAll(async () => {
  await stack?.stop();
  if (brokenReceiver) await stopServer(brokenReceiver);
  rmSync(folder, { recursive: true, force: true });
});

const start = async (name: string, more: Partial<LocalStackOptions> = {}): Promise<void> => {
  const log = (source: string, line: string) => said.push(`${source}: ${line}`);
  const given = { dataDir: join(folder, name), templateDir: await templatesOf(ownContext), log, ...more };
  stack = await startStack({ schedules: false, ...given });
};
/** Starts a new stack. */
const startNew = async (name: string): Promise<void> => {
  await stack?.stop();
  await start(name);
  api = apiClient(stack.url, stack.adminToken ?? '');
};
/** Starts the stack again on its port, with what `change` makes of its files meanwhile. */
const restart = async (name: string, more: Partial<LocalStackOptions> = {}, change = () => {}) => {
  await stack.stop();
  change();
  await start(name, { port: Number(new URL(stack.url).port), ...more });
};

const addRunner = async (pool: ProjectId | undefined, input: Partial<RunnerInput>) => {
  const instanceId = stack.ec2.createStoppedInstance();
  const made = await api.createRunner(pool, { name: instanceId, instanceId, ...input });
  installAgent(stack.ec2.diskOf(instanceId), made);
  return { pool, instanceId, id: made.runner.id };
};
const becomes = (projectId: ProjectId, id: TaskId, status: Task['status']) =>
  until(`${id} is ${status}`, 60_000, async () => {
    const now = await api.getTask(projectId, id);
    return now.status === status && now;
  });

it.each(['event', 'reconciler'])(
  'assigns a task of a stopped instance again, found by the %s',
  async (name) => {
    await startNew(name);
    const isEvent = name === 'event';
    const held: { instanceId: string; lost: Task }[] = [];
    for (const owner of ['project', 'global']) {
      const { id: projectId } = await api.createProject(owner);
      const pool = owner === 'project' ? projectId : undefined;
      const { instanceId } = await addRunner(pool, { idleTimeoutMs: 600_000 });
      const template = { name: 'hold', app: 'bash', script: 'sleep 600', onRunnerLost: 'retry' };
      const { id: templateId } = await api.createTemplate(projectId, template);
      const { id } = await api.startTask(projectId, templateId);
      held.push({ instanceId, lost: await becomes(projectId, id, 'running') });
      await api.createRunner(pool, { name: unique('fallback'), webhookUrl });
    }
    // Agents do not start before their instances stop, and a stop is known before the instance has stopped.
    await restart(name, { delays: { bootMs: 600_000, stoppingMs: 1000 } }, () => {
      const file = join(folder, name, 'instances.json');
      if (!isEvent) writeFileSync(file, readFileSync(file, 'utf8').replaceAll('"running"', '"stopped"'));
    });
    if (isEvent) for (const { instanceId } of held) stack.ec2.stop(instanceId);
    for (const { lost } of held) {
      await until(`${lost.id} waits for its second attempt`, 60_000, async () => {
        if (!isEvent) await stack.invoke('Reconcile', {});
        const { attempt, runnerId } = await api.getTask(lost.projectId, lost.id);
        return attempt === 2 && runnerId !== undefined;
      });
      await api.stopTask(lost.projectId, lost.id);
    }
  },
);

/** Makes a project whose template is started by a schedule and by an integration. */
const aStarter = async (name: string) => {
  const { id } = await api.createProject(name);
  const base = `/api/projects/${id}`;
  const template = { name: 'Nightly', app: 'bash', script: 'true' };
  const { id: templateId } = await api.createTemplate(id, template);
  const schedule = { name: 'nightly', templateId, cron: '0 3 * * *' };
  const made = await api.call('POST', `${base}/integrations`, { name: 'pushes', templateId });
  const { id: integrationId, url = '' } = integration.parse(made);
  return {
    id,
    scheduleId: z.object({ id: z.string() }).parse(await api.call('POST', `${base}/schedules`, schedule)).id,
    eventsPath: `${base}/integrations/${integrationId}/events`,
    hookPath: new URL(url).pathname,
  };
};

it('starts tasks of schedules, and tasks for events of integrations', async () => {
  await startNew('starters');
  const starters = [await aStarter('Own runner'), await aStarter('Global runner')];
  const runners = [
    await addRunner(starters[0]?.id, { idleTimeoutMs: 0 }),
    await addRunner(undefined, { idleTimeoutMs: 0 }),
  ];

  await restart('starters');
  const handedOver = stack.scheduler.list().map(({ Name }) => Name);
  expect(handedOver).toEqual(expect.arrayContaining(starters.map(({ scheduleId }) => scheduleId)));
  await stack.scheduler.runDue(new Date('2030-01-02T03:00:00Z'));
  const tasks = z.object({ items: z.array(task) });
  for (const { id } of starters) {
    const [started] = tasks.parse(await api.call('GET', `/api/projects/${id}/tasks`)).items;
    await becomes(id, started?.id ?? 'tsk_', 'success');
  }
  // By their records: an event of EC2 that the restart loses is for the reconciler.
  for (const { pool, id } of runners)
    await until(`${id} sleeps`, 60_000, async () => (await api.getRunner(pool, id)).status === 'stopped');

  await restart('starters');
  const events = z.object({ items: z.array(integrationEvent) });
  for (const { id, eventsPath, hookPath } of starters) {
    const answer = await fetch(`${stack.url}${hookPath}`, { method: 'POST', body: '{}' });
    expect(answer.status).toBe(202);
    const { taskId } = await until('the event has an outcome', 60_000, async () => {
      const [event] = events.parse(await api.call('GET', eventsPath)).items;
      return event?.outcome !== 'received' && event;
    });
    await becomes(id, taskId ?? 'tsk_', 'success');
  }
});

it('is denied no permission during these tests', () => {
  expect(said.filter((line) => line.includes('is not authorized to perform'))).toEqual([]);
});
