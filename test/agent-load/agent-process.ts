/** The bundled agent in a process of its own, as on a machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CreatedRunner } from '../../protocol/index.ts';

export interface AgentProcess {
  readonly pid: number;
  /** Peak memory so far, in MiB. */
  peakMiB(): number;
  residentMiB(): number;
  /** Output so far. */
  said(): string;
  /** Sends the signal, and resolves when the process has ended. */
  end(signal: NodeJS.Signals): Promise<void>;
}

const root = join(import.meta.dirname, '../..');

/** Reads a field of /proc/<pid>/status, in MiB. */
const memory = (pid: number, field: 'VmHWM' | 'VmRSS'): number => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1024;
};

/** Writes the API's answer as a config file with another URL. */
export const writeConfig = (folder: string, made: CreatedRunner, apiUrl: string): string => {
  const file = join(folder, 'runner.json');
  writeFileSync(file, JSON.stringify({ ...made, apiUrl }), { mode: 0o600 });
  return file;
};

/** Node flags of runner-agent/host/reveille-runner.service. */
const unitFlags = ['--max-semi-space-size=1'];
const unitEnvironment = (workDir: string) => ({
  MALLOC_ARENA_MAX: '1',
  NODE_COMPILE_CACHE: `${workDir}-cache`,
});

export const startAgentProcess = (config: string, workDir: string): AgentProcess => {
  const agent = join(root, 'dist/runner-agent/reveille-runner.mjs');
  const child: ChildProcess = spawn(
    process.execPath,
    [...unitFlags, agent, 'start', '--config', config, '--work-dir', workDir],
    {
      env: { PATH: process.env.PATH ?? '', ...unitEnvironment(workDir) },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  const { pid } = child;
  if (pid === undefined) throw new Error(`Could not start ${agent}: run npm run build`);
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    pid,
    peakMiB: () => memory(pid, 'VmHWM'),
    residentMiB: () => memory(pid, 'VmRSS'),
    said: () => said,
    end: async (signal) => {
      child.kill(signal);
      await ended;
    },
  };
};
