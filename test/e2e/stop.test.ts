import { describe, expect } from 'vitest';
import type { LocalStack } from '../../local/stack.ts';
import type { ProjectId, RunnerId, RunnerInput, Task } from '../../protocol/index.ts';
import { type Client, installAgent, until } from '../client.ts';
import { it } from '../fixture.ts';
import { unique } from '../unique.ts';

let stack: LocalStack;
let api: Client;
let projectId: ProjectId;

it.beforeAll(async ({ shared }) => {
  ({ stack, api } = shared);
  projectId = (await api.createProject('Stop')).id;
});

const addRunner = async (input: Partial<RunnerInput>) => {
  const instanceId = stack.ec2.createStoppedInstance();
  const made = await api.createRunner(projectId, { name: instanceId, instanceId, ...input });
  installAgent(stack.ec2.diskOf(instanceId), made);
  return made.runner;
};
const start = async (input: object) => {
  const { id } = await api.createTemplate(projectId, { name: unique('test'), app: 'bash', ...input });
  return api.startTask(projectId, id);
};
const becomes = (task: Task, ...statuses: Task['status'][]) =>
  until(`${task.id} is ${statuses.join(' or ')}`, 60_000, async () => {
    const now = await api.getTask(projectId, task.id);
    return statuses.includes(now.status) && now;
  });

/** A script that prints only its first line, and starts a process that leaves the group. */
const silent = 'echo here; setsid sleep 300 & exec >/dev/null 2>&1; sleep 300';

describe('a stop', () => {
  it('reaches a silent task, ends it and keeps its output', async () => {
    await addRunner({ tags: ['silent'] });
    const task = await start({ tag: 'silent', script: silent });
    await becomes(task, 'running');
    await api.stopTask(projectId, task.id);
    expect(await becomes(task, 'stopped')).toMatchObject({ reason: 'Stopped by a user', exitCode: 143 });
    const text = (await api.readLog(projectId, task.id)).map((entry) => entry.text).join('');
    expect(text).toContain('here\n');
  });
});

describe('a drain', () => {
  it('hands the task back, and another runner runs it', async () => {
    const first = await addRunner({ tags: ['drain'] });
    const task = await start({
      tag: 'drain',
      onDrain: 'hand_back',
      script: 'echo here; [ "$REVEILLE_ATTEMPT" = 2 ] || sleep 300',
    });
    await becomes(task, 'running');
    const second = await addRunner({ tags: ['drain'] });
    await api.call('POST', `/api/projects/${projectId}/runners/${first.id}/drain`);
    expect(await becomes(task, 'success', 'error')).toMatchObject({
      status: 'success',
      attempt: 2,
      runnerId: second.id,
    });
    await until('the drained runner sleeps', 60_000, async () =>
      ['stopping', 'stopped'].includes((await api.getRunner(projectId, first.id)).status),
    );
  });
});

describe('a wake by hand', () => {
  const stateOf = (instanceId: string | undefined) =>
    stack.ec2.list().find(({ id }) => id === instanceId)?.state;
  const isRunner = (id: RunnerId, status: string, timeoutMs = 20_000) =>
    until(`the runner is ${status}`, timeoutMs, async () => {
      const now = await api.getRunner(projectId, id);
      return now.status === status && now;
    });

  it('starts the instance without a task, and lets it sleep after its idle timeout', async () => {
    const { id, instanceId } = await addRunner({ tags: ['by-hand'], idleTimeoutMs: 0 });
    const woken = await api.call('POST', `/api/projects/${projectId}/runners/${id}/wake`);
    expect(woken).toMatchObject({ status: 'starting', wokenAt: expect.any(String) });
    await stack.invoke('Reconcile', {});
    expect(await isRunner(id, 'online')).not.toHaveProperty('wokenAt');
    expect(stateOf(instanceId)).toBe('running');
    // An agent waits ten seconds for its first task, even with a shorter idle timeout.
    await isRunner(id, 'stopped', 30_000);
    expect(stateOf(instanceId)).toBe('stopped');
  });

  it('is rejected with a reason when the stack does not start the machine', async () => {
    const made = await api.createRunner(projectId, { name: 'rack' });
    const path = `/api/projects/${projectId}/runners/${made.runner.id}/wake`;
    await expect(api.call('POST', path)).rejects.toThrow(/cannot_be_woken: The stack does not start/);
  });
});
