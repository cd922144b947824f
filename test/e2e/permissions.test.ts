/**
 * The rarer paths that need a permission: `npm run iam:report` requires each grant to be used. A call that
 * the local IAM denies here would fail in an account too.
 */
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { describe, expect } from 'vitest';
import type { LocalStack } from '../../local/stack.ts';
import { readTemplate } from '../../local/template/file.ts';
import { templatesIn } from '../../local/template/synth.ts';
import { interpret } from '../../local/template/template.ts';
import {
  type CreatedRunner,
  challengeResponse,
  credentialsResponse,
  type ProjectId,
  type RunnerInput,
  type Task,
} from '../../protocol/index.ts';
import { decrypt, readPrivateKey } from '../../runner-agent/secrets/keys.ts';
import { apiClient, type Client, installAgent, until } from '../client.ts';
import { it, otherStack } from '../fixture.ts';
import { templatesOf } from '../templates.ts';
import { unique } from '../unique.ts';

let stack: LocalStack;
let api: Client;
let projectId: ProjectId;
let templateDir: string;

it.beforeAll(async ({ shared }) => {
  ({ stack, api } = shared);
  templateDir = await templatesOf();
  projectId = (await api.createProject('Permissions')).id;
});

const addRunner = async (pool: ProjectId | undefined, input: Partial<RunnerInput>) => {
  const instanceId = stack.ec2.createStoppedInstance();
  const made = await api.createRunner(pool, { name: instanceId, instanceId, ...input });
  installAgent(stack.ec2.diskOf(instanceId), made);
  return { ...made.runner, instanceId };
};
const templateOf = async (project: ProjectId, input: object): Promise<string> =>
  (await api.createTemplate(project, { name: unique('test'), app: 'bash', script: 'pwd', ...input })).id;
const becomes = (task: Task, ...statuses: Task['status'][]) =>
  until(`${task.id} is ${statuses.join(' or ')}`, 60_000, async () => {
    const now = await api.getTask(task.projectId, task.id);
    return statuses.includes(now.status) && now;
  });
const isIn = (instanceId: string, state: string) =>
  until(`${instanceId} is ${state}`, 60_000, () =>
    stack.ec2.list().some((instance) => instance.id === instanceId && instance.state === state),
  );
const pathOf = (pool: ProjectId | undefined, id: string) =>
  pool === undefined ? `/api/runners/${id}` : `/api/projects/${pool}/runners/${id}`;
/** Reads the spec of the running stack, with the names in its template. */
const specOf = () => {
  const { template, assets } = readTemplate(templatesIn(templateDir).control.path);
  const place = { accountId: '000000000000', region: stack.region, stackName: 'Reveille', apiUrl: stack.url };
  return interpret(template, assets, place);
};
/** Waits for a message with this text in the stack's dead-letter queue. */
const deadLetterWith = (text: string): Promise<string> => {
  const { endpoint, region, credentials } = stack.operator;
  const sqs = new SQSClient({ endpoint, region, credentials, useQueueUrlAsEndpoint: false });
  const QueueUrl = specOf().queues.find(({ name }) => name.includes('DeadLetters'))?.url;
  return until(`the dead letter with ${text}`, 60_000, async () => {
    const receive = { QueueUrl, WaitTimeSeconds: 1, MaxNumberOfMessages: 10 };
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(receive));
    return Messages.find(({ Body = '' }) => Body.includes(text))?.Body;
  });
};

/** Gets an agent's credentials for its token and its private key. */
const sessionOf = async (made: CreatedRunner) => {
  const agent = apiClient(stack.url, made.token);
  const { challenge } = challengeResponse.parse(await agent.call('POST', '/api/agent/challenge'));
  const answer = await decrypt(challenge, readPrivateKey(made.privateKey ?? ''));
  const body = { answer, agentVersion: '0', agentId: crypto.randomUUID(), isStart: true };
  const given = credentialsResponse.parse(await agent.call('POST', '/api/agent/credentials', body));
  const { endpoint, region, ...credentials } = given.aws;
  const client = new SQSClient({
    region,
    credentials,
    endpoint,
    useQueueUrlAsEndpoint: false,
    maxAttempts: 1,
  });
  return { ...given, client };
};

describe("an agent's AWS credentials", () => {
  it.each(['project', 'global'])('reach the queues of their own %s runner and no other', async (kind) => {
    const own = kind === 'project' ? projectId : undefined;
    const [project, elsewhere] = [
      (await api.createProject(unique('Own'))).id,
      await api.createRunner(kind === 'project' ? undefined : projectId, {
        name: unique(`other than ${kind}`),
      }),
    ];
    const pool = own === undefined ? undefined : project;
    const made = await api.createRunner(pool, { name: unique(kind) });
    const { client, session, settings } = await sessionOf(made);
    const other = await sessionOf(elsewhere);
    const agent = apiClient(stack.url, session);
    const beat = (more: object) =>
      agent.call('POST', '/api/agent/heartbeat', { agentVersion: '0', tasks: [], ...more });
    await beat({});
    const task = await api.startTask(project, await templateOf(project, {}));
    const [QueueUrl = ''] = settings.queueUrls;

    const receive = new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 });
    const first = await client.send(receive);
    const ReceiptHandle = first.Messages?.[0]?.ReceiptHandle;
    expect(ReceiptHandle).toBeDefined();
    await client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
    const again = await client.send(receive);
    await client.send(
      new DeleteMessageCommand({ QueueUrl, ReceiptHandle: again.Messages?.[0]?.ReceiptHandle }),
    );

    await expect(other.client.send(receive)).rejects.toMatchObject({ name: 'AccessDenied' });
    await api.stopTask(project, task.id);
    await beat({ draining: true, leaving: true });
    await apiClient(stack.url, made.token).call('POST', '/api/agent/unregister');
  });
});

describe('a runner', () => {
  it('gets credentials for all its queues with the maximum number of tags of maximum length', async () => {
    const longTags = (count: number) => Array.from({ length: count }, (_, n) => `${n}`.padEnd(32, 'x'));
    const tags = longTags(16);
    const made = await api.createRunner(projectId, { name: 'All tags', tags });
    const { client, session, settings } = await sessionOf(made);
    await apiClient(stack.url, session).call('POST', '/api/agent/heartbeat', {
      agentVersion: '0',
      tasks: [],
    });
    const task = await api.startTask(projectId, await templateOf(projectId, { tag: tags.at(-1) }));
    const QueueUrl = settings.queueUrls.find((url) => url.endsWith(`-${tags.at(-1)}`));
    const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 }));
    expect(Messages).toHaveLength(1);
    await api.stopTask(projectId, task.id);
    await expect(api.createRunner(projectId, { name: 'Too many', tags: longTags(17) })).rejects.toThrow(
      'see tags',
    );
  });

  it.each(['project', 'global'])(
    'sleeps when its owner drains it idle, and can be removed (%s runner)',
    async (kind) => {
      const { id: project } = await api.createProject(`Drain ${kind}`);
      const pool = kind === 'project' ? project : undefined;
      const runner = await addRunner(pool, { idleTimeoutMs: 600_000 });
      await becomes(await api.startTask(project, await templateOf(project, {})), 'success');
      await api.call('POST', `${pathOf(pool, runner.id)}/drain`);
      await isIn(runner.instanceId, 'stopped');
      await until(
        'it is asleep',
        60_000,
        async () => (await api.getRunner(pool, runner.id)).status === 'stopped',
      );
      await api.call('DELETE', pathOf(pool, runner.id));
    },
  );

  it('is in the dead-letter queue after three attempts when its instance cannot be stopped', async () => {
    const runner = await addRunner(projectId, { tags: ['stuck'], idleTimeoutMs: 600_000 });
    const task = await api.startTask(projectId, await templateOf(projectId, { tag: 'stuck' }));
    await becomes(task, 'success');
    stack.faults.set([
      { service: 'ec2', operation: 'StopInstances', kind: 'error', status: 400, probability: 1 },
    ]);
    try {
      await api.call('POST', `${pathOf(projectId, runner.id)}/drain`);
      expect(JSON.parse(await deadLetterWith(runner.id))).toMatchObject({
        requestContext: { condition: 'RetriesExhausted' },
        requestPayload: { pool: projectId, runnerId: runner.id },
        responsePayload: { errorMessage: 'An injected fault.' },
      });
    } finally {
      stack.faults.set([]);
    }
    stack.ec2.stop(runner.instanceId);
    await isIn(runner.instanceId, 'stopped');
  });

  it('is stopped by the reconciler when it was woken for a task that was then stopped', async () => {
    const runner = await addRunner(projectId, { tags: ['unwanted'] });
    // Without a config file the machine boots, but no agent starts.
    rmSync(join(stack.ec2.diskOf(runner.instanceId), 'runner.json'));
    const task = await api.startTask(projectId, await templateOf(projectId, { tag: 'unwanted' }));
    await isIn(runner.instanceId, 'running');
    await api.stopTask(projectId, task.id);
    await stack.invoke('Reconcile', {});
    await isIn(runner.instanceId, 'stopped');
  });
});

describe('an event', () => {
  it.each(['InstanceEvents', 'ScheduledStart', 'IntegrationEvents'])(
    'is in the dead-letter queue after %s fails three times',
    async (name) => {
      const { endpoint, region, credentials } = stack.operator;
      const fn = specOf().functions.find(({ logicalId }) => logicalId.startsWith(name));
      const event = { scheduleId: `none of ${name}` };
      await new LambdaClient({ endpoint, region, credentials }).send(
        new InvokeCommand({
          FunctionName: fn?.arn,
          InvocationType: 'Event',
          Payload: JSON.stringify(event),
        }),
      );
      expect(JSON.parse(await deadLetterWith(event.scheduleId))).toMatchObject({
        requestContext: { functionArn: fn?.arn, condition: 'RetriesExhausted' },
        requestPayload: event,
      });
    },
  );
});

/** Answers each webhook with the status from `answer`. */
const receiver = async (answer: () => number) => {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(answer()).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { url: `http://127.0.0.1:${port}/hook`, stop: () => server.close() };
};

describe('a webhook', () => {
  it('is retried without an acknowledgement', async () => {
    const answers = [503, 503, 204];
    const { url: webhookUrl, stop } = await receiver(() => answers.shift() ?? 204);
    try {
      await api.createRunner(projectId, { name: 'hook', tags: ['hook'], webhookUrl });
      const task = await api.startTask(projectId, await templateOf(projectId, { tag: 'hook' }));
      const tries = async () => {
        const all = await api.listDeliveries(projectId);
        return all.find(({ taskId }) => taskId === task.id)?.attempts.length ?? 0;
      };
      await until('it was tried twice', 60_000, async () => (await tries()) >= 2);
      await api.stopTask(projectId, task.id);
    } finally {
      stop();
    }
  });
});

describe('a receiver that fails again and again', () => {
  it('is left alone for a while, also by the retries', async () => {
    const { url: webhookUrl, stop } = await receiver(() => 503);
    try {
      await api.createRunner(projectId, {
        name: 'broken',
        tags: ['broken'],
        maxParallelTasks: 0,
        webhookUrl,
      });
      const templateId = await templateOf(projectId, { tag: 'broken' });
      const tasks: Task[] = [];
      for (let n = 0; n < 6; n++) tasks.push(await api.startTask(projectId, templateId));
      await until('the retry of the first is put off', 60_000, async () => {
        const all = await api.listDeliveries(projectId);
        return all.some(
          ({ taskId, attempts, held }) => taskId === tasks[0]?.id && attempts.length > 0 && held,
        );
      });
      for (const task of tasks) await api.stopTask(projectId, task.id);
    } finally {
      stop();
    }
  });
});

describe('an instance that is kept for another project', () => {
  it('is not started, and its runner and the task say why', async () => {
    const tags = { 'reveille:project': (await api.createProject('Keeper')).id };
    const instanceId = stack.ec2.createStoppedInstance({ tags });
    const { runner } = await api.createRunner(projectId, { name: 'kept', tags: ['kept'], instanceId });
    const task = await api.startTask(projectId, await templateOf(projectId, { tag: 'kept' }));
    await until('it has a fault', 20_000, async () => {
      const { fault } = await api.getRunner(projectId, runner.id);
      return fault?.code === 'instance_of_another_project';
    });
    expect((await api.getTask(projectId, task.id)).reason).toContain(
      'keeps the instance for another project',
    );
    expect(stack.ec2.list().find(({ id }) => id === instanceId)?.state).toBe('stopped');
    await api.stopTask(projectId, task.id);
  });
});

describe('an instance of another stack', () => {
  it('is not started, and its runner and the task say what to do', async () => {
    const foreign = stack.ec2.createStoppedInstance({ tags: { 'reveille:stack': otherStack } });
    const { runner } = await api.createRunner(projectId, {
      name: 'foreign',
      tags: ['foreign'],
      instanceId: foreign,
    });
    const task = await api.startTask(projectId, await templateOf(projectId, { tag: 'foreign' }));
    const { fault } = await until('it has a fault', 20_000, async () => {
      const now = await api.getRunner(projectId, runner.id);
      return now.fault && now;
    });
    expect(fault).toMatchObject({
      code: 'UnauthorizedOperation',
      detail: expect.stringContaining('the tag reveille:stack'),
    });
    expect((await api.getTask(projectId, task.id)).reason).toContain('the tag reveille:stack');
    expect(stack.ec2.list().find(({ id }) => id === foreign)?.state).toBe('stopped');
    await api.stopTask(projectId, task.id);
  });
});

it('is denied no permission except on foreign instances', ({ denials }) => {
  // An agent's credentials are tried on queues of others.
  expect(denials().filter((line) => !line.includes('RunnerRole'))).toEqual([]);
});
