import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { auditEvent, page } from '../../protocol/index.ts';
import { installAgent, until } from '../client.ts';
import { itOnOwnStack } from '../fixture.ts';

const it = itOnOwnStack();

/** Folder of an agent on this machine with the secrets of its tasks, this one among them. */
const folderOf = (taskId: string): string | undefined =>
  namesIn('/dev/shm')
    .map((name) => join('/dev/shm', name))
    .find((folder) => namesIn(folder).some((name) => name.startsWith(taskId)));
/** Lists a folder; folders of other tests come and go. */
const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

it('reaches its task, also after a rotation of all data keys, and leaves memory at power-off', async ({
  own: { stack, api, dataDir },
}) => {
  const { id: projectId } = await api.createProject('Secrets');
  const instanceId = stack.ec2.createStoppedInstance();
  const made = await api.createRunner(projectId, {
    name: 'r',
    tags: ['t'],
    instanceId,
    idleTimeoutMs: 60_000,
  });
  installAgent(stack.ec2.diskOf(instanceId), made);
  const environment = await api.createEnvironment(projectId, { name: 'e', secrets: { TOKEN: 'hush-token' } });
  const template = await api.createTemplate(projectId, {
    name: 'counts',
    app: 'bash',
    tag: 't',
    environmentId: environment.id,
    // The log masks a secret, but not its length.
    script: `echo "length $(printf %s "$TOKEN" | wc -c)"`,
  });
  const run = async () => {
    const { id } = await api.startTask(projectId, template.id);
    await until(
      `${id} has ended`,
      30_000,
      async () => (await api.getTask(projectId, id)).status === 'success',
    );
    return (await api.readLog(projectId, id)).map(({ text }) => text).join('\n');
  };
  expect(await run()).toContain('length 10');

  const idle = await api.createTemplate(projectId, {
    name: 'waits',
    app: 'bash',
    tag: 'nobody',
    script: 'true',
  });
  await api.startTask(projectId, idle.id);
  expect(await stack.invoke('RotateSecrets', {})).toMatchObject({ ended: true, scopes: 3, scopesDone: 3 });
  expect(await run()).toContain('length 10');
  const trail = page(auditEvent).parse(await api.call('GET', '/api/audit'));
  const byOperator = trail.items.filter(({ actor }) => actor.id === 'operator');
  expect(byOperator.map(({ operation }) => operation)).toEqual(['rotateSecrets', 'makeFirstToken']);

  expect(readFileSync(join(dataDir, 'kms/keys.json'), 'utf8')).toMatch(/:key\/SecretsKey/);

  const long = await api.createTemplate(projectId, {
    name: 'long',
    app: 'bash',
    tag: 't',
    environmentId: environment.id,
    script: 'trap "" TERM; sleep 600',
  });
  const cutOff = await api.startTask(projectId, long.id);
  await until(
    `${cutOff.id} runs`,
    30_000,
    async () => (await api.getTask(projectId, cutOff.id)).status === 'running',
  );
  const folder = folderOf(cutOff.id);
  if (process.platform === 'linux') expect(folder).toBeDefined();
  await stack.stop();
  expect(folder !== undefined && existsSync(folder)).toBe(false);
});
