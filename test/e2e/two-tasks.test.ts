/**
 * Two tasks for a tag whose runners have slept once: one start serves both, and no waiting reason mentions a
 * drain.
 */
import { expect } from 'vitest';
import type { LocalStack } from '../../local/stack.ts';
import type { ProjectId, Task } from '../../protocol/index.ts';
import { type Client, installAgent, until } from '../client.ts';
import { it } from '../fixture.ts';

const rounds = 3;
let stack: LocalStack;
let api: Client;
let projectId: ProjectId;

it.beforeAll(async ({ shared }) => {
  ({ stack, api } = shared);
  projectId = (await api.createProject('Two tasks')).id;
});

const addRunner = async () => {
  const instanceId = stack.ec2.createStoppedInstance();
  const input = { name: instanceId, instanceId, tags: ['twice'], maxParallelTasks: 2, idleTimeoutMs: 0 };
  const made = await api.createRunner(projectId, input);
  installAgent(stack.ec2.diskOf(instanceId), made);
  return made.runner;
};
const allAsleep = (ids: readonly string[]) =>
  until('both runners sleep', 120_000, async () => {
    const runners = await Promise.all(ids.map((id) => api.getRunner(projectId, id)));
    return runners.every(({ status }) => status === 'stopped');
  });

it('wakes one instance for two tasks, three times in a row, and shows only true reasons', async () => {
  const runners = [await addRunner(), await addRunner()];
  const ids = runners.map(({ id }) => id);
  const { id: templateId } = await api.createTemplate(projectId, {
    name: 'two',
    app: 'bash',
    script: 'true',
    tag: 'twice',
  });
  // Each sleeps once, so that its agent has signed off.
  for (const { id } of runners) await api.call('POST', `/api/projects/${projectId}/runners/${id}/wake`);
  await until('both runners are online', 120_000, async () => {
    const all = await Promise.all(ids.map((id) => api.getRunner(projectId, id)));
    return all.every(({ heartbeatAt }) => heartbeatAt !== undefined);
  });
  await allAsleep(ids);
  for (let round = 1; round <= rounds; round++) {
    const tasks = [await api.startTask(projectId, templateId), await api.startTask(projectId, templateId)];
    const reasons = new Set<string>();
    const woken = new Set<string>();
    await until(`round ${round} is over`, 120_000, async () => {
      for (const runner of await Promise.all(ids.map((id) => api.getRunner(projectId, id))))
        if (runner.status !== 'stopped') woken.add(runner.id);
      const now: Task[] = await Promise.all(tasks.map((task) => api.getTask(projectId, task.id)));
      for (const { reason, status } of now) if (reason && status === 'waiting') reasons.add(reason);
      return now.every(({ status }) => status === 'success');
    });
    const ended = await Promise.all(tasks.map((task) => api.getTask(projectId, task.id)));
    expect(new Set(ended.map(({ runnerId }) => runnerId)).size).toBe(1);
    expect(woken.size).toBe(1);
    expect(
      [...reasons].filter((reason) => /drain|shutting down|No runner|Every runner/.test(reason)),
    ).toEqual([]);
    await allAsleep(ids);
  }
});
