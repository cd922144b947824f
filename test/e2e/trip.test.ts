import { createServer, type IncomingHttpHeaders } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { describe, expect } from 'vitest';
import type { LocalStack } from '../../local/stack.ts';
import { hasEnded, type ProjectId, type RunnerInput, type Task } from '../../protocol/index.ts';
import { type Client, installAgent, until } from '../client.ts';
import { it } from '../fixture.ts';
import { unique } from '../unique.ts';

let stack: LocalStack;
let api: Client;
let projectId: ProjectId;

it.beforeAll(async ({ shared }) => {
  ({ stack, api } = shared);
  projectId = (await api.createProject('E2E')).id;
});

const addRunner = async (input: Partial<RunnerInput>) => {
  const instanceId = stack.ec2.createStoppedInstance();
  const made = await api.createRunner(projectId, {
    name: `runner-${instanceId}`,
    instanceId,
    idleTimeoutMs: 0,
    ...input,
  });
  installAgent(stack.ec2.diskOf(instanceId), made);
  return { ...made, instanceId };
};

const template = async (input: object): Promise<string> =>
  (await api.createTemplate(projectId, { name: unique('test'), app: 'bash', script: 'pwd', ...input })).id;

const ended = (task: Task) =>
  until(`${task.id} has ended`, 60_000, async () => {
    const now = await api.getTask(task.projectId, task.id);
    return hasEnded(now.status) && now;
  });
/** Makes EC2 throttle the next call of StartInstances. */
const throttleStart = () =>
  stack.ec2.failNext('StartInstances', 'RequestLimitExceeded', 'Request limit exceeded.');
const stateOf = (instanceId: string) => stack.ec2.list().find(({ id }) => id === instanceId)?.state;
const isIn = (instanceId: string, state: string) =>
  until(`${instanceId} is ${state}`, 60_000, () => stateOf(instanceId) === state);
const outputOf = async (task: Task) =>
  (await api.readLog(task.projectId, task.id))
    .filter(({ stream }) => stream !== 'agent')
    .map(({ text }) => text)
    .join('');

describe('the trip', () => {
  it("wakes the stopped runner of the template's tag, runs there, and stops it again", async () => {
    const { instanceId, runner } = await addRunner({ tags: ['new-york'] });
    const task = await ended(await api.startTask(projectId, await template({ tag: 'new-york' })));
    expect(task).toMatchObject({ status: 'success', runnerId: runner.id, exitCode: 0, attempt: 1 });
    expect(await outputOf(task)).toContain(instanceId);
    await isIn(instanceId, 'stopped');
    const costs = await until('the session is billed', 60_000, async () => {
      const report = await api.getCosts(projectId);
      return report.sessions.some(({ runnerId, endedAt }) => runnerId === runner.id && endedAt) && report;
    });
    expect(costs.sessions.find(({ runnerId }) => runnerId === runner.id)).toMatchObject({
      billedSeconds: 60,
      microUsd: 280,
    });
    expect(costs.tasks.find(({ taskId }) => taskId === task.id)).toMatchObject({ microUsd: 280 });
  });

  it("routes by the inventory's tag when the template has none", async () => {
    const { runner } = await addRunner({ tags: ['sydney'] });
    const inventory = await api.createInventory(projectId, {
      name: 'hosts',
      type: 'static',
      content: 'localhost ansible_connection=local\n',
      tag: 'sydney',
    });
    const task = await ended(await api.startTask(projectId, await template({ inventoryId: inventory.id })));
    expect(task).toMatchObject({ status: 'success', tag: 'sydney', runnerId: runner.id });
  });

  it('overflows from a full runner to another of its tag, and wakes no third one', async () => {
    const runners = [];
    for (let n = 0; n < 3; n++) runners.push(await addRunner({ tags: ['burst'], maxParallelTasks: 2 }));
    const templateId = await template({ tag: 'burst', script: 'sleep 1' });
    const tasks: Task[] = [];
    for (let n = 0; n < 4; n++) tasks.push(await api.startTask(projectId, templateId));
    const done = await Promise.all(tasks.map(ended));
    expect(done.map(({ status }) => status)).toEqual(['success', 'success', 'success', 'success']);
    const woken = (await api.listDeliveries(projectId)).filter(
      ({ taskId, body }) => body.action === 'start' && tasks.some(({ id }) => id === taskId),
    );
    expect(new Set(woken.map(({ runnerId }) => runnerId)).size).toBe(2);
    for (const { instanceId } of runners) await isIn(instanceId, 'stopped');
  });

  it('shows why a task waits, and runs it when a runner of its tag is added', async () => {
    const waiting = await api.startTask(projectId, await template({ tag: 'later' }));
    expect((await api.getTask(projectId, waiting.id)).reason).toMatch(/^No runner has tag later/);
    const { runner } = await addRunner({ tags: ['later'] });
    expect(await ended(waiting)).toMatchObject({ status: 'success', runnerId: runner.id });
  });

  it('passes secrets to the task, and shows them neither in its log nor in a queue', async () => {
    await addRunner({ tags: ['secret'] });
    const { id: environmentId } = await api.createEnvironment(projectId, {
      name: 'prod',
      variables: { PLAIN: 'visible' },
      secrets: { PASSWORD: 'correct-horse-battery' },
    });
    const script = 'echo "$PLAIN $PASSWORD $(printf %s "$PASSWORD" | wc -c)"';
    const task = await ended(
      await api.startTask(projectId, await template({ tag: 'secret', environmentId, script })),
    );
    expect(await outputOf(task)).toBe('visible *** 21\n');
  });

  it('reports a failure with its exit code', async () => {
    await addRunner({ tags: ['fail'] });
    const task = await ended(
      await api.startTask(projectId, await template({ tag: 'fail', script: 'echo no; exit 3' })),
    );
    expect(task).toMatchObject({ status: 'error', exitCode: 3 });
  });

  it('stops a running task, with all its processes', async () => {
    const { instanceId } = await addRunner({ tags: ['stop'] });
    const task = await api.startTask(
      projectId,
      await template({ tag: 'stop', script: 'while true; do echo tick; sleep 0.2; done' }),
    );
    await until('it runs', 60_000, async () => (await api.getTask(projectId, task.id)).status === 'running');
    await api.stopTask(projectId, task.id);
    expect(await ended(task)).toMatchObject({
      status: 'stopped',
      reason: expect.stringContaining('Stopped by'),
    });
    await isIn(instanceId, 'stopped');
  });

  it('starts a runner again when work arrived while its instance was stopping', async () => {
    const { instanceId } = await addRunner({ tags: ['again'] });
    const templateId = await template({ tag: 'again' });
    await ended(await api.startTask(projectId, templateId));
    await until('it stops', 60_000, () => ['stopping', 'stopped'].includes(stateOf(instanceId) ?? ''));
    throttleStart();
    expect(await ended(await api.startTask(projectId, templateId))).toMatchObject({ status: 'success' });
  });

  it('shows the reason of EC2 for a refused start, and starts the instance once EC2 can', async () => {
    await addRunner({ tags: ['capacity'] });
    stack.ec2.failNext(
      'StartInstances',
      'InsufficientInstanceCapacity',
      'There is no room for t4g.small now.',
    );
    const task = await api.startTask(projectId, await template({ tag: 'capacity' }));
    expect((await api.getTask(projectId, task.id)).reason).toMatch(
      /could not be woken: .*AWS has no capacity/,
    );
    throttleStart();
    await stack.invoke('Reconcile', {});
    expect(await ended(task)).toMatchObject({ status: 'success' });
  });

  it('wakes its runner although Lambda refuses the start event', async () => {
    await addRunner({ tags: ['refused'] });
    const templateId = await template({ tag: 'refused' });
    stack.faults.set([{ service: 'lambda', operation: 'Invoke', kind: 'error', probability: 1 }]);
    const task = await api.startTask(projectId, templateId);
    stack.faults.set([]);
    expect(await ended(task)).toMatchObject({ status: 'success' });
    const deliveries = await api.listDeliveries(projectId);
    const start = deliveries.find(({ taskId, body }) => taskId === task.id && body.action === 'start');
    expect(start?.attempts).toMatchObject([{ error: expect.any(String) }, { statusCode: 202 }]);
  });

  it('starts an instance although EC2 throttles the first call, for a task and by hand', async () => {
    const { instanceId, runner } = await addRunner({ tags: ['throttled'] });
    throttleStart();
    const task = await api.startTask(projectId, await template({ tag: 'throttled' }));
    expect(await ended(task)).toMatchObject({ status: 'success' });
    // EC2's event reaches the runner after the instance has stopped.
    await until('the runner is stopped', 60_000, async () => {
      const { status } = await api.getRunner(projectId, runner.id);
      return status === 'stopped';
    });
    throttleStart();
    await api.call('POST', `/api/projects/${projectId}/runners/${runner.id}/wake`);
    await isIn(instanceId, 'running');
  });
});

describe('webhooks', () => {
  it('are taken from others who have the secret of the runner', async () => {
    const { runner, webhookSecret, instanceId } = await addRunner({ tags: ['told'] });
    const templateId = await template({ tag: 'told' });
    stack.faults.set([{ service: 'lambda', operation: 'Invoke', kind: 'error', probability: 1 }]);
    const task = await api.startTask(projectId, templateId);
    stack.faults.set([]);
    const tell = async (action: 'start' | 'finish') => {
      const ids = { project_id: projectId, task_id: task.id, template_id: templateId, runner_id: runner.id };
      const body = JSON.stringify({ action, ...ids, attempt: 1 });
      const id = `msg_told_${action}`;
      const now = new Date();
      const headers = {
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
        'webhook-signature': new Webhook(webhookSecret).sign(id, now, body),
      };
      return (await fetch(`${stack.url}/webhooks/task-${action}`, { method: 'POST', headers, body })).status;
    };
    expect(await tell('start')).toBe(204);
    expect(await ended(task)).toMatchObject({ status: 'success' });
    expect(await tell('finish')).toBe(204);
    await isIn(instanceId, 'stopped');
  });

  it("go signed to a runner's own URL, start before finish, and are retried until acknowledged", async () => {
    const received: { headers: IncomingHttpHeaders; body: string }[] = [];
    let failures = 1;
    const receiver = createServer(async (request, response) => {
      const body = (await request.toArray()).join('');
      const isRefused = failures-- > 0;
      if (!isRefused) received.push({ headers: request.headers, body });
      response.writeHead(isRefused ? 503 : 204).end();
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const address = receiver.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    try {
      const made = await api.createRunner(projectId, {
        name: 'elsewhere',
        tags: ['elsewhere'],
        webhookUrl: `http://127.0.0.1:${port}/hook`,
      });
      const task = await api.startTask(projectId, await template({ tag: 'elsewhere' }));
      const [first] = await api.listDeliveries(projectId);
      expect(first).toMatchObject({ taskId: task.id, status: 'pending', attempts: [{ statusCode: 503 }] });
      await api.call('POST', `/api/projects/${projectId}/deliveries/${first?.id}/send`);
      const [{ headers, body } = { headers: {}, body: '' }] = received;
      const verified = new Webhook(made.webhookSecret).verify(body, {
        'webhook-id': String(headers['webhook-id']),
        'webhook-timestamp': String(headers['webhook-timestamp']),
        'webhook-signature': String(headers['webhook-signature']),
      });
      expect(verified).toMatchObject({
        action: 'start',
        project_id: projectId,
        task_id: task.id,
        runner_id: made.runner.id,
        attempt: 1,
      });
      await api.stopTask(projectId, task.id);
    } finally {
      receiver.close();
      receiver.closeAllConnections();
    }
  });
});
