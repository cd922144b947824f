/**
 * Integrations through the whole stack: accepted by the API, started by their own function, repaired, and
 * kept over a restart.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as z from 'zod';
import { listenOnLoopback, stopServer } from '../../local/http-server.ts';
import { type LocalStack, startStack } from '../../local/stack.ts';
import { eventAnswer, integration, integrationEvent, type ProjectId, task } from '../../protocol/index.ts';
import { apiClient, type Client, installAgent, until } from '../client.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'reveille-integrations-'));
const said: string[] = [];
let stack: LocalStack | undefined;
let api: Client;

const start = async (more: object = {}): Promise<LocalStack> => {
  const log = (source: string, line: string) => said.push(`${source}: ${line}`);
  stack = await startStack({ dataDir, schedules: false, log, ...more });
  return stack;
};
const running = (): LocalStack => {
  if (!stack) throw new Error('The stack did not start.');
  return stack;
};
beforeAll(async () => {
  const { url, adminToken } = await start();
  api = apiClient(url, adminToken ?? '');
});
afterAll(async () => {
  await stack?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const addRunner = async (pool: ProjectId | undefined): Promise<void> => {
  const { ec2 } = running();
  const instanceId = ec2.createStoppedInstance();
  const made = await api.createRunner(pool, { name: instanceId, instanceId, idleTimeoutMs: 0 });
  installAgent(ec2.diskOf(instanceId), made);
};

/** Makes a project with a template that uses a secret, and an integration of the template. */
const aProject = async (name: string, template: object = {}) => {
  const { id } = await api.createProject(name);
  const base = `/api/projects/${id}`;
  const survey = [{ name: 'token', title: 'Token', type: 'secret' }];
  const { id: templateId } = await api.createTemplate(id, {
    name: 'Deploy',
    app: 'bash',
    script: 'echo "with $token"',
    survey,
    ...template,
  });
  const variables = [{ variable: 'token', source: { from: 'body', pointer: '/token' } }];
  const input = { name: 'pushes', templateId, variables };
  const { id: integrationId, url = '' } = integration.parse(
    await api.call('POST', `${base}/integrations`, input),
  );
  const items = async <T extends z.ZodType>(path: string, schema: T): Promise<z.infer<T>[]> =>
    z.object({ items: z.array(schema) }).parse(await api.call('GET', `${base}/${path}`)).items;
  return {
    id,
    tasks: () => items('tasks', task),
    events: () => items(`integrations/${integrationId}/events`, integrationEvent),
    send: async () => {
      const response = await fetch(running().url + new URL(url).pathname, {
        method: 'POST',
        body: JSON.stringify({ token: 'hunter2-hunter2' }),
      });
      expect(response.status).toBe(202);
      return eventAnswer.parse(await response.json());
    },
  };
};
type Sender = Awaited<ReturnType<typeof aProject>>;

const outcomeOf = ({ events }: Sender, id: string) =>
  until('the event has an outcome', 60_000, async () => {
    const event = (await events()).find((one) => one.id === id);
    return event?.outcome !== 'received' && event;
  });

it('answers an event before processing it, and runs its task to the end', async () => {
  const sender = await aProject('Taken');
  await addRunner(sender.id);
  const { id, outcome } = await sender.send();
  expect(outcome).toBe('received');
  const { taskId = 'tsk_' } = await outcomeOf(sender, id);
  await until(
    'its task has ended',
    60_000,
    async () => (await api.getTask(sender.id, taskId)).status === 'success',
  );
  const log = await api.readLog(sender.id, taskId);
  expect(log.map(({ text }) => text).join('')).toContain('with ***');
});

it('answers 202 to an event that Lambda refuses, and processes it through the reconciler', async () => {
  const sender = await aProject('Lost', { tag: 'nowhere' });
  running().faults.set([{ service: 'lambda', kind: 'error', probability: 1 }]);
  const { id } = await sender.send();
  running().faults.set([]);
  expect(await sender.events()).toMatchObject([{ id, outcome: 'received' }]);
  await until('the reconciler asks again', 120_000, async () => {
    const repairs = z.record(z.string(), z.number()).parse(await running().invoke('Reconcile', {}));
    return repairs.event_asked_again === 1;
  });
  expect(await outcomeOf(sender, id)).toMatchObject({ outcome: 'started' });
  expect(await sender.tasks()).toHaveLength(1);
});

it('retries the start event of a task when a receiver does not accept it', async () => {
  const sender = await aProject('Hook', { tag: 'hook' });
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(503).end();
  });
  const port = await listenOnLoopback(server, 0);
  try {
    const webhookUrl = `http://127.0.0.1:${port}/`;
    await api.createRunner(sender.id, { name: 'hook', tags: ['hook'], webhookUrl });
    await sender.send();
    await until('it was tried', 60_000, async () =>
      (await api.listDeliveries(sender.id)).some(({ attempts }) => attempts.length > 1),
    );
  } finally {
    await stopServer(server);
  }
});

it('starts tasks from events for project and global runners whose queues are lost', async () => {
  const own = await aProject('Own');
  await addRunner(own.id);
  const shared = await aProject('Shared');
  await addRunner(undefined);
  const before = running();
  await before.stop();
  const port = Number(new URL(before.url).port);
  const { url } = await start({ templateDir: join(dataDir, 'cdk.out'), port });
  api = apiClient(url, before.adminToken ?? '');
  for (const sender of [own, shared]) {
    const { taskId = 'tsk_' } = await outcomeOf(sender, (await sender.send()).id);
    await until(
      'it is done',
      60_000,
      async () => (await api.getTask(sender.id, taskId)).status === 'success',
    );
  }
});

it('is denied no permission during these tests, and logs no secret', () => {
  expect(said.filter((line) => line.includes('is not authorized to perform'))).toEqual([]);
  expect(said.join('\n')).not.toContain('hunter2-hunter2');
});
