import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { type LocalStack, startStack } from '../../local/stack.ts';
import { hasEnded } from '../../protocol/index.ts';
import { apiClient, installAgent, until } from '../client.ts';
import { ownContext } from '../fixture.ts';
import { templatesOf } from '../templates.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'reveille-restart-'));
let stack: LocalStack;
afterAll(async () => {
  await stack?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

it('resumes waiting and running tasks after a restart of the whole stack', async () => {
  const templateDir = await templatesOf(ownContext);
  stack = await startStack({ dataDir, templateDir, delays: { bootMs: 300 } });
  const token = stack.adminToken ?? '';
  const before = apiClient(stack.url, token);
  const { id: projectId } = await before.createProject('Restart');
  const addRunner = async (name: string) => {
    const instanceId = stack.ec2.createStoppedInstance();
    const made = await before.createRunner(projectId, { name, tags: [name], instanceId, idleTimeoutMs: 0 });
    installAgent(stack.ec2.diskOf(instanceId), made);
  };
  const start = async (tag: string, script: string) => {
    const template = await before.createTemplate(projectId, { name: tag, app: 'bash', tag, script });
    return before.startTask(projectId, template.id);
  };
  await addRunner('busy');
  const ran = await start('busy', 'sleep 4');
  await until('it runs', 60_000, async () => (await before.getTask(projectId, ran.id)).status === 'running');
  await addRunner('late');
  const waited = await start('late', 'true');
  await stack.stop();

  // The agents know the API by its port.
  const port = Number(new URL(stack.url).port);
  stack = await startStack({ dataDir, templateDir, port });
  expect(stack.adminToken).toBeUndefined();
  const after = apiClient(stack.url, token);
  for (const task of [ran, waited]) {
    const ended = await until(`${task.id} has ended`, 60_000, async () => {
      const now = await after.getTask(projectId, task.id);
      return hasEnded(now.status) && now;
    });
    expect(ended.status).toBe('success');
  }
  const asleep = () => stack.ec2.list().every(({ state }) => state === 'stopped');
  await until('every instance has stopped', 60_000, asleep);
});
