/** A project with one runner, whose agent runs a test's tasks with the tools of this machine. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { hasEnded, type Task, task } from '../../protocol/index.ts';
import { installAgent, until } from '../client.ts';
import type { TestStack } from '../fixture.ts';
import { unique } from '../unique.ts';
import { run } from './tools.ts';

/** Makes a repository with these files on the branch main; returns its commit. */
export const makeRepository = (folder: string, files: Readonly<Record<string, string>>): string => {
  mkdirSync(folder, { recursive: true });
  if (!existsSync(join(folder, '.git'))) run('git', ['init', '--quiet', '--initial-branch=main', folder]);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  run('git', ['add', '.'], folder);
  const author = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com'];
  run('git', [...author, 'commit', '--quiet', '-m', `With ${Object.keys(files).join(' and ')}`], folder);
  return run('git', ['rev-parse', 'HEAD'], folder).trim();
};

export type Fixture = Awaited<ReturnType<typeof openFixture>>;

export const openFixture = async ({ stack, api }: TestStack) => {
  const folder = mkdtempSync(join(tmpdir(), 'reveille-agent-'));
  const { id: projectId } = await api.createProject(unique('Real tools'));
  const instanceId = stack.ec2.createStoppedInstance();
  const runner = await api.createRunner(projectId, { name: 'bench', instanceId, maxParallelTasks: 4 });
  const disk = stack.ec2.diskOf(instanceId);
  installAgent(disk, runner);

  const path = (rest: string) => `/api/projects/${projectId}/${rest}`;
  const make = async (kind: string, body: object): Promise<string> => {
    const made = await api.call('POST', path(kind), { name: unique(kind), ...body });
    if (typeof made === 'object' && made && 'id' in made) return String(made.id);
    throw new Error(`${kind} has no id`);
  };
  const get = async (id: Task['id']) => api.getTask(projectId, id);

  const start = async (template: object, more: object = {}): Promise<Task> => {
    const templateId = await make('templates', template);
    return task.parse(await api.call('POST', path('tasks'), { templateId, ...more }));
  };
  const reaches = (id: Task['id'], is: (task: Task) => boolean) =>
    until(`${id} is as expected`, 60_000, async () => {
      const now = await get(id);
      return is(now) && now;
    });
  const ended = async (id: Task['id']) => {
    const done = await reaches(id, ({ status }) => hasEnded(status));
    const log = await api.readLog(projectId, id);
    const output = log.filter(({ stream }) => stream !== 'agent').map(({ text }) => text);
    return { task: done, output: output.join(''), log: log.map(({ text }) => text).join('') };
  };

  return {
    folder,
    disk,
    projectId,
    make,
    start,
    reaches,
    ended,
    /** Starts a task and waits for its end. */
    finish: async (template: object, more: object = {}) => ended((await start(template, more)).id),
    decide: (id: Task['id'], verb: 'confirm' | 'reject') => api.call('POST', path(`tasks/${id}/${verb}`)),
    /** Folders of these tasks that still exist, on disk and in memory. */
    leftovers: (ids: readonly Task['id'][]): string[] => {
      const inMemory = existsSync('/dev/shm') ? readdirSync('/dev/shm', { recursive: true }) : [];
      const names = [...readdirSync(disk, { recursive: true }), ...inMemory].map(String);
      return names.filter((name) => ids.some((id) => new RegExp(`${id}-\\d+$`).test(name)));
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
};
