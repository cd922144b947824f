/** Integrations through the whole stack: accepted by the API, started by their own function, and repaired. */
import { createServer } from 'node:http';
import { expect } from 'vitest';
import * as z from 'zod';
import { listenOnLoopback, stopServer } from '../../local/http-server.ts';
import type { LocalStack } from '../../local/stack.ts';
import { eventAnswer, integration, integrationEvent, type ProjectId, task } from '../../protocol/index.ts';
import { type Client, installAgent, until } from '../client.ts';
import { it } from '../fixture.ts';
import { unique } from '../unique.ts';

let stack: LocalStack;
let api: Client;
/** Log lines of this file's tests. */
let said: () => readonly string[];

it.beforeAll(({ shared, said: lines }) => {
  ({ stack, api } = shared);
  said = lines;
});

const addRunner = async (projectId: ProjectId): Promise<void> => {
  const instanceId = stack.ec2.createStoppedInstance();
  const made = await api.createRunner(projectId, { name: instanceId, instanceId, idleTimeoutMs: 0 });
  installAgent(stack.ec2.diskOf(instanceId), made);
};

/** Makes a project with a template that uses a secret, and an integration of the template. */
const aProject = async (name: string, template: object = {}) => {
  const { id } = await api.createProject(unique(name));
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
      const response = await fetch(stack.url + new URL(url).pathname, {
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
  stack.faults.set([{ service: 'lambda', kind: 'error', probability: 1 }]);
  const { id } = await sender.send();
  stack.faults.set([]);
  expect(await sender.events()).toMatchObject([{ id, outcome: 'received' }]);
  await until('the reconciler asks again', 120_000, async () => {
    const repairs = z.record(z.string(), z.number()).parse(await stack.invoke('Reconcile', {}));
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

it('is denied no permission during these tests, and logs no secret', ({ denials }) => {
  expect(denials()).toEqual([]);
  expect(said().join('\n')).not.toContain('hunter2-hunter2');
});
