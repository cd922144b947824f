/** Fixture of the soak: the stack, two projects, six runners, a template for each queue. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../../local/log-files.ts';
import { startStack } from '../../local/stack.ts';
import type { ProjectId, RunnerInput } from '../../protocol/index.ts';
import { apiClient, installAgent } from '../client.ts';

/** A task runs while it holds the lock; the kernel frees the lock with the attempt's last process. */
const script = (folder: string) => `
exec 9>${folder}/$REVEILLE_TASK_ID.lock
flock -n 9 || echo "$REVEILLE_TASK_ID" >>${folder}/doubles
for n in 1 2 3; do echo "line $n of attempt $REVEILLE_ATTEMPT"; sleep 0.$((RANDOM % 4 + 1)); done
`;

export interface Work {
  readonly projectId: ProjectId;
  readonly templateId: string;
}

export type Fixture = Awaited<ReturnType<typeof openFixture>>;

export const openFixture = async (random: () => number, log: Log) => {
  const folder = mkdtempSync(join(tmpdir(), 'reveille-soak-'));
  const locks = join(folder, 'locks');
  mkdirSync(locks);
  const delays = { pendingMs: 500, bootMs: 200, stoppingMs: 500 };
  const stack = await startStack({ dataDir: join(folder, 'stack'), random, log, delays });
  const api = apiClient(stack.url, stack.adminToken ?? '');
  const own = (await api.createProject('With runners')).id;
  const guest = (await api.createProject('On global runners')).id;

  const pools: { projectId: ProjectId | undefined; runnerId: string }[] = [];
  const addRunner = async (projectId: ProjectId | undefined, input: Partial<RunnerInput>) => {
    const instanceId = stack.ec2.createStoppedInstance();
    const name = `${input.tags?.[0] ?? 'untagged'} ${pools.length + 1}`;
    const made = await api.createRunner(projectId, { name, instanceId, idleTimeoutMs: 3000, ...input });
    installAgent(stack.ec2.diskOf(instanceId), made);
    pools.push({ projectId, runnerId: made.runner.id });
  };
  await addRunner(own, { tags: ['alpha'], maxParallelTasks: 2 });
  await addRunner(own, { tags: ['alpha'], maxParallelTasks: 2 });
  await addRunner(own, { tags: ['beta'], maxParallelTasks: 1, idleTimeoutMs: 0 });
  await addRunner(own, { tags: ['gamma'], maxParallelTasks: 3 });
  await addRunner(own, { maxParallelTasks: 2 });
  await addRunner(undefined, { maxParallelTasks: 3 });

  const template = async (projectId: ProjectId, tag?: string): Promise<Work> => {
    const input = { name: tag ?? 'untagged', app: 'bash', script: script(locks), maxAttempts: 10 };
    const { id } = await api.createTemplate(projectId, { ...input, stopGraceMs: 1000, tag });
    return { projectId, templateId: id };
  };
  const work = [
    await template(own, 'alpha'),
    await template(own, 'beta'),
    await template(own, 'gamma'),
    await template(own),
    await template(guest),
  ];
  return {
    folder,
    locks,
    stack,
    api,
    work,
    projects: [own, guest],
    runners: () => Promise.all(pools.map(({ projectId, runnerId }) => api.getRunner(projectId, runnerId))),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
};
