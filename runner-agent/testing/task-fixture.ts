/** Runs a task as the agent does, in its own folder, with real programs. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TaskPayload } from '../../protocol/agent.ts';
import type { Separation } from '../process/separation.ts';
import { openCaches } from '../task/caches.ts';
import type { HeldTask } from '../task/held-tasks.ts';
import type { TaskResult } from '../task/run.ts';
import { runTask } from '../task/task-runner.ts';
import { systemTiming } from '../timing.ts';
import { aPayload, heldTasks } from './builders.ts';

export interface Ran {
  result: TaskResult;
  /** Output of the task's programs. */
  output: string;
  /** The same with the agent's messages. Nothing is masked. */
  log: string;
}

export interface RunOptions {
  separation?: Separation;
  /** Receives the task, to stop it. */
  began?: (task: HeldTask) => void;
  /** Receives all output of the programs so far, each time that there is more. */
  onOutput?: (output: string) => void;
}

const path = process.env.PATH ?? '';

export type TaskFixture = Awaited<ReturnType<typeof openTaskFixture>>;

/** Creates the fixture. `work` is the path of the working folder within the fixture's. */
export const openTaskFixture = async (work = 'work') => {
  const folder = await mkdtemp(join(tmpdir(), 'reveille-task-'));

  const git = (cwd: string, ...args: string[]): string => {
    const author = ['-c', 'user.name=T', '-c', 'user.email=t@example.com'];
    // A system with git-lfs would take in pointers, and files that are none.
    const env = { ...process.env, GIT_CONFIG_NOSYSTEM: '1' };
    return execFileSync('git', [...author, ...args], { cwd, env, encoding: 'utf8', stdio: 'pipe' }).trim();
  };

  /** Runs a script that makes repositories in the folder. */
  const shell = (script: string): void => {
    const names = ['AUTHOR', 'COMMITTER'].flatMap((who) => [
      [`GIT_${who}_NAME`, 'T'],
      [`GIT_${who}_EMAIL`, 't@example.com'],
    ]);
    const env = { ...process.env, ...Object.fromEntries(names) };
    execFileSync('sh', [script], { cwd: folder, env, stdio: 'pipe' });
  };

  return {
    folder,
    shell,
    workDir: join(folder, work),
    git,
    /** Creates a repository with these files on the branch main, or adds a commit to it. Returns its path. */
    repository: async (name: string, files: Record<string, string>): Promise<string> => {
      const repository = join(folder, name);
      await mkdir(repository, { recursive: true });
      git(repository, 'init', '--quiet', '--initial-branch=main');
      for (const [file, content] of Object.entries(files)) {
        await mkdir(dirname(join(repository, file)), { recursive: true });
        await writeFile(join(repository, file), content);
      }
      git(repository, 'add', '.');
      git(repository, 'commit', '--quiet', '-m', `With ${Object.keys(files).join(' and ')}`);
      return repository;
    },
    /** Writes a script that plays a program. Returns a PATH on which it comes first. */
    program: async (name: string, script: string): Promise<string> => {
      const bin = join(folder, 'bin');
      await mkdir(bin, { recursive: true });
      await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
      await chmod(join(bin, name), 0o755);
      return `${bin}:${path}`;
    },
    run: async (
      given: Partial<TaskPayload>,
      searchPath = path,
      { separation, began, onOutput }: RunOptions = {},
    ): Promise<Ran> => {
      const payload = aPayload(given);
      const task = heldTasks().add(payload.projectId, payload.taskId);
      const ran = { output: '', log: '' };
      began?.(task);
      const result = await runTask({
        payload,
        task,
        output: {
          write: async (stream, text) => {
            ran.log += text;
            if (stream === 'agent') return;
            ran.output += text;
            onOutput?.(ran.output);
          },
          end: async () => undefined,
        },
        workDir: join(folder, work),
        path: searchPath,
        killGraceMs: 100,
        awaitConfirmation: async () => undefined,
        timing: systemTiming,
        separation,
        caches: await openCaches(join(folder, work), separation),
      });
      return { result, ...ran };
    },
    close: () => rm(folder, { recursive: true }),
  };
};
