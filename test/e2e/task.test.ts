/** `npm run task`: prints what the local stack knows of one task. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { openLogFiles } from '../../local/log-files.ts';
import { root } from '../../local/template/synth.ts';
import { until } from '../client.ts';
import { it } from '../fixture.ts';

const run = (id: string, dataDir: string) =>
  promisify(execFile)(process.execPath, ['local/task/main.ts', id, '--data', dataDir], { cwd: root });

it('prints the item, runner, deliveries, queue and log lines of a task', async ({ shared, said }) => {
  const { stack, api, dataDir } = shared;
  const { id: projectId } = await api.createProject('Task report');
  // Without an agent on its disk, the instance starts and the task stays assigned.
  const instanceId = stack.ec2.createStoppedInstance();
  const { runner } = await api.createRunner(projectId, { name: 'reported', instanceId, tags: ['report'] });
  const template = { name: 'reported', app: 'bash', script: 'true', tag: 'report' };
  const { id: templateId } = await api.createTemplate(projectId, template);
  const { id } = await api.startTask(projectId, templateId);
  await until('its start webhook is delivered', 60_000, async () =>
    (await api.listDeliveries(projectId)).some(({ status }) => status === 'delivered'),
  );
  await until('its instance runs', 60_000, () =>
    stack.ec2.list().some((one) => one.id === instanceId && one.state === 'running'),
  );
  const files = openLogFiles(join(dataDir, 'logs'), () => new Date());
  for (const line of said()) {
    const [, source = '', text = ''] = /^(.+?): (.*)$/s.exec(line) ?? [];
    files.log(source, text);
  }
  await files.close();

  const { stdout } = await run(id, dataDir);
  expect(stdout).toContain(`Task ${id}:`);
  expect(stdout).toContain('"status": "waiting"');
  expect(stdout).toMatch(
    new RegExp(`Runner ${runner.id}: "reported" is starting; instance ${instanceId} is running\\.`),
  );
  expect(stdout).toMatch(/Webhook deliveries: 1\n.* start to \S+: delivered\n.* 202\n/);
  expect(stdout).toMatch(/Queue prj_\S+-report: messages waiting \d+, in flight \d+\./);
  expect(stdout).toMatch(new RegExp(`Log of api:\n.*${id}`));
  await api.stopTask(projectId, id);

  await expect(run('tsk_00000000000000000000000000', dataDir)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('has no task tsk_00000000000000000000000000'),
  });
});
