/** An agent in namespaces of its own, with the API and the queues that attacks use. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FinishRequest, TaskPayload } from '../../protocol/agent.ts';
import type { ProjectId } from '../../protocol/ids.ts';
import { createAgentFixture } from '../../runner-agent/testing/agent-fixture.ts';
import { aPayload, aProjectId } from '../../runner-agent/testing/builders.ts';
import { until } from '../client.ts';
import { base, plainUser, systemPath, unitCapabilities } from './machine.ts';

/**
 * `apart`: as the systemd unit runs it, with a pool of users. `plain`: as one user, as earlier versions were
 * installed. `root`: as root without a pool.
 */
export type Kind = 'apart' | 'plain' | 'root';

export interface RunningTask {
  readonly payload: TaskPayload;
  output(): string;
  /** Resolves when the output contains the text. */
  says(text: string): Promise<void>;
  readonly ended: Promise<Ended>;
}

export interface Ended {
  output: string;
  finish: FinishRequest | undefined;
}

export interface Lab {
  readonly kind: Kind;
  /** Folder of the agent's configuration, which has `secrets` in its files. */
  readonly etc: string;
  readonly workDir: string;
  /** Folder outside of all others, which everybody may enter. */
  readonly outside: string;
  /** Command that a task waits by, until `release` is called. */
  readonly hold: string;
  /** File that is there from `release` on. */
  readonly isOver: string;
  holdOn(): void;
  release(): void;
  /** Words that stand in the agent's files, environment and memory only. */
  readonly secrets: readonly string[];
  /** Process id of the agent, as the attacks' own processes see it. */
  readonly agentPid: number;
  /** Makes a word that is nowhere else. */
  word(): string;
  project(): ProjectId;
  start(given: Partial<TaskPayload>): RunningTask;
  /** Runs a task to its end. */
  run(given: Partial<TaskPayload>): Promise<Ended>;
  /** Path of a file in the agent's own mount namespace, such as one in its /tmp. */
  seen(path: string): string;
  close(): Promise<void>;
}

/** Tasks at a time, and so attacks that run at the same time. */
export const slots = 4;

const privateFolders = ['/tmp', '/var/tmp', '/dev/shm'];

/** Shell lines that give the agent what the unit gives it: folders and users of its own. */
const privateMachine = (users: string) => [
  ...privateFolders.map((folder) => `mount -t tmpfs -o mode=1777 own ${folder}`),
  // As the package cron makes it: crontab gets in by its group.
  `mount -t tmpfs -o mode=1730,gid=$(getent group crontab | cut -d: -f3) own /var/spool/cron/crontabs`,
  ...['passwd', 'group'].map((name) => `mount --bind ${base}/users/${users}/${name} /etc/${name}`),
];

const startOf = (kind: Kind, command: string): string[] => {
  const as = (flags: string) => `setpriv ${flags} -- ${command}`;
  const plainId = plainUser.id;
  switch (kind) {
    case 'apart': {
      const kept = unitCapabilities().map((name) => `+${name}`);
      return [`sh ${base}/close-metadata.sh`, as(`--bounding-set=-all,${kept.join(',')} --no-new-privs`)];
    }
    case 'plain':
      return [as(`--reuid ${plainId} --regid ${plainId} --clear-groups`)];
    case 'root':
      return [command];
  }
};

const write = (kind: Kind, path: string, content: string) => {
  writeFileSync(path, content, { mode: 0o600 });
  if (kind === 'plain') chownSync(path, plainUser.id, plainUser.id);
};

const makeFolder = (kind: Kind, path: string, mode: number) => {
  mkdirSync(path, { recursive: true });
  chmodSync(path, mode);
  if (kind === 'plain') chownSync(path, plainUser.id, plainUser.id);
};

const parentOf = (pid: number | string): number =>
  Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** Finds the process that runs the agent's bundle below the process. */
const findAgent = (above: number): number | undefined => {
  const isBelow = (pid: number): boolean => pid === above || (pid > 1 && isBelow(parentOf(pid)));
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const [program = ''] = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      if (program === `${base}/node` && isBelow(Number(name))) return Number(name);
    } catch {
      // It has ended meanwhile.
    }
  }
  return undefined;
};

export const openLab = async (kind: Kind): Promise<Lab> => {
  const fixture = await createAgentFixture();
  const { api } = fixture;
  api.settings = { ...api.settings, maxParallelTasks: slots };
  const home = join(base, kind);
  const [etc, workDir, outside] = [join(home, 'etc'), join(home, 'work'), join(home, 'outside')];
  const secrets = ['file', 'environment'].map((where) => `${where}-${randomBytes(8).toString('hex')}`);
  mkdirSync(home, { recursive: true });
  makeFolder(kind, etc, 0o700);
  makeFolder(kind, workDir, 0o700);
  makeFolder(kind, join(home, 'cache'), 0o700);
  mkdirSync(outside, { mode: 0o755 });
  const [hold, isOver] = [join(outside, 'hold'), join(outside, 'is-over')];
  writeFileSync(hold, `until [ -e ${isOver} ]; do sleep 0.05; done\n`);
  write(kind, join(etc, 'runner.key'), fixture.privateKey);
  const config = { apiUrl: api.url, token: api.token, privateKeyFile: join(etc, 'runner.key'), workDir };
  write(kind, join(etc, 'runner.json'), JSON.stringify({ ...config, note: secrets[0] }));

  const agent = `${base}/node ${base}/agent.mjs start --config ${join(etc, 'runner.json')}`;
  const lines = [...privateMachine(kind === 'apart' ? 'with' : 'without'), ...startOf(kind, agent)];
  // The shell stays the first process of its namespace and collects what tasks leave, as init does.
  const script = `set -e\n${lines.join('\n')} &\nwait $!`;
  const flags = [
    '--mount',
    '--pid',
    '--ipc',
    '--fork',
    '--kill-child',
    '--mount-proc',
    '--propagation',
    'private',
  ];
  const machine: ChildProcess = spawn('unshare', [...flags, '--', 'sh', '-c', script], {
    env: { PATH: systemPath, NODE_COMPILE_CACHE: join(home, 'cache'), REVEILLE_NOTE: secrets[1] },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  let said = '';
  machine.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const agentPid = await until(`the agent ${kind} is online`, 10_000, () => {
    if (machine.exitCode !== null) throw new Error(`The agent ${kind} has ended:\n${said}`);
    return said.includes('Online') && findAgent(machine.pid ?? 0);
  });

  const start: Lab['start'] = (given) => {
    const payload = aPayload({ stopGraceMs: 1000, ...given, script: given.path ? undefined : given.script });
    const { taskId } = payload;
    api.addTask(payload);
    fixture.ring(payload);
    const task = () => api.tasks.get(taskId);
    const output = () => api.textOf(taskId);
    return {
      payload,
      output,
      says: async (text) => {
        await until(`the task of the agent ${kind} says ${text}`, 5000, () => {
          if (output().includes(text)) return true;
          const { status, finish } = task() ?? {};
          if (status === 'finished')
            throw new Error(`The task ended without "${text}": ${finish?.reason} ${output()}`);
          return false;
        });
      },
      ended: until(`the task of the agent ${kind} ends`, 5000, () => task()?.status === 'finished').then(
        () => ({
          output: output(),
          finish: task()?.finish,
        }),
      ),
    };
  };

  return {
    kind,
    etc,
    workDir,
    outside,
    hold: `sh ${hold}`,
    isOver,
    holdOn: () => rmSync(isOver, { force: true }),
    release: () => writeFileSync(isOver, ''),
    secrets: [...secrets, api.token, fixture.privateKey.split('\n')[1] ?? ''],
    agentPid,
    word: () => `word-${randomBytes(8).toString('hex')}`,
    project: aProjectId,
    start,
    run: (given) => start(given).ended,
    seen: (path) => join(`/proc/${agentPid}/root`, path),
    close: async () => {
      machine.kill('SIGKILL');
      await fixture.close();
    },
  };
};
