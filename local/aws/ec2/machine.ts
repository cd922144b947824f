/** An instance's machine: runs the real agent as a child process once its config file is on the disk. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  createWriteStream,
  existsSync,
  type FSWatcher,
  mkdirSync,
  readFileSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { compileCache } from '../../compile-cache.ts';
import { forgetMemory } from './memory.ts';
import { commandOf, readGroupsOf, signalGroup } from './processes.ts';

export interface Machine {
  /** Boots after the delay. */
  powerOn(bootMs: number): void;
  /** Asks all processes to end, and kills them after the grace period. */
  powerOff(graceMs: number): Promise<void>;
  /**
   * Kills only the agent, with SIGKILL; the agent then restarts as after any exit. Returns false when none
   * runs.
   */
  killAgent(): boolean;
  /** Suspends all processes; `powerOn` resumes them. */
  freeze(): void;
  /** Kills all processes at once, without waiting: for a stack or an instance that must end immediately. */
  pullPlug(): void;
}

/** Metadata and enrolment command of an instance that a fleet launched. */
export interface Enrolment {
  /** Returns the command line that enrols the instance and writes that config file. */
  readonly command: (configFile: string) => readonly string[];
  /** Starts the instance's metadata service; returns the agent's variables for it. */
  readonly startMetadata: () => Promise<{
    readonly environment: Readonly<Record<string, string>>;
    readonly stop: () => void;
  }>;
}

export interface MachineOptions {
  /** Folder that stands for the instance's disk. */
  readonly disk: string;
  /** Returns the command line that starts the agent with that config file. */
  readonly agentCommand: (configFile: string) => readonly string[];
  /** @default an operator puts the config file on the disk */
  readonly enrolment?: Enrolment;
  /** PATH of the programs that tasks run. */
  readonly path: string;
  readonly now: () => Date;
}

/** RestartSec and the exit codes that prevent a restart, as in the agent's systemd unit. */
const restartMs = 2000;
const finalExitCodes = [77, 78];

const isWholeJson = (file: string): boolean => {
  try {
    JSON.parse(readFileSync(file, 'utf8'));
    return true;
  } catch {
    return false;
  }
};

const killAll = (pid: number): void => {
  for (const group of readGroupsOf(pid)) signalGroup(group, 'SIGKILL');
};

/** Creates the disk; the machine is off. */
export const makeMachine = ({ disk, agentCommand, enrolment, path, now }: MachineOptions): Machine => {
  mkdirSync(disk, { recursive: true, mode: 0o700 });
  const configFile = join(disk, 'runner.json');
  const consoleFile = join(disk, 'console.log');
  const pidFile = join(disk, 'agent.pid');
  let timer: NodeJS.Timeout | undefined;
  let watcher: FSWatcher | undefined;
  let agent: ChildProcess | undefined;
  let isOn = false;
  let isFrozen = false;
  let metadata: Awaited<ReturnType<Enrolment['startMetadata']>> | undefined;
  /**
   * Command of each process group that a killed agent started, by the group leader's id. The command is kept
   * because another process may reuse the id.
   */
  const orphans = new Map<number, string>();

  const startAgent = (): void => run('the agent', agentCommand(configFile), () => restartMs);

  /** Runs a program. When it ends by itself, `boot` decides what to run next. */
  const run = (
    what: string,
    [program = '', ...args]: readonly string[],
    againMs: (code: number | null) => number,
  ): void => {
    const log = createWriteStream(consoleFile, { flags: 'a' });
    const say = (text: string) => log.write(`${now().toISOString()} machine: ${text}\n`);
    say(`starting ${what}`);
    const child = spawn(program, args, {
      cwd: disk,
      // The compile cache as by the agent's systemd unit.
      env: { PATH: path, HOME: disk, NODE_COMPILE_CACHE: compileCache, ...metadata?.environment },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    agent = child;
    if (child.pid) writeFileSync(pidFile, String(child.pid));
    child.once('error', (error) => say(`${what} cannot start: ${error.message}`));
    child.once('close', (code, signal) => {
      say(`${what} has ended (${signal ?? code})`);
      log.end();
      agent = undefined;
      rmSync(pidFile, { force: true });
      if (isOn && !finalExitCodes.includes(code ?? 0)) timer = setTimeout(boot, againMs(code));
    });
  };

  /** Kills an agent that outlived a killed stack: two agents would act for one runner. */
  const endLeftover = (): void => {
    if (!existsSync(pidFile)) return;
    const pid = Number(readFileSync(pidFile, 'utf8'));
    if (pid > 1 && commandOf(pid)?.includes(configFile)) killAll(pid);
    rmSync(pidFile);
  };

  const endOrphans = (): void => {
    for (const [group, command] of orphans) {
      if (commandOf(group) === command) signalGroup(group, 'SIGKILL');
    }
    orphans.clear();
  };

  const boot = (): void => {
    endLeftover();
    if (isWholeJson(configFile)) {
      startAgent();
      return;
    }
    if (enrolment) {
      run('the enrolment', enrolment.command(configFile), (code) => (code === 0 ? 0 : restartMs));
      return;
    }
    const log = createWriteStream(consoleFile, { flags: 'a' });
    log.end(
      `${now().toISOString()} machine: waits for ${configFile}, the answer to POST …/runners saved as it is\n`,
    );
    watcher = watch(disk, () => {
      if (!existsSync(configFile) || !isWholeJson(configFile)) return;
      watcher?.close();
      startAgent();
    });
  };

  const switchOff = (): void => {
    isOn = false;
    clearTimeout(timer);
    watcher?.close();
    metadata?.stop();
    metadata = undefined;
  };

  const begin = async (): Promise<void> => {
    const started = await enrolment?.startMetadata();
    if (!isOn) return started?.stop();
    metadata = started;
    boot();
  };

  const thaw = (): void => {
    isFrozen = false;
    if (agent?.pid) for (const group of readGroupsOf(agent.pid)) signalGroup(group, 'SIGCONT');
  };

  return {
    powerOn: (bootMs) => {
      if (isOn) return;
      isOn = true;
      if (isFrozen) thaw();
      else timer = setTimeout(begin, bootMs);
    },
    freeze: () => {
      isOn = false;
      clearTimeout(timer);
      if (!agent?.pid) return;
      isFrozen = true;
      for (const group of readGroupsOf(agent.pid)) signalGroup(group, 'SIGSTOP');
    },
    killAgent: () => {
      const pid = agent?.pid;
      if (!pid) return false;
      for (const group of readGroupsOf(pid)) {
        const command = commandOf(group);
        if (group !== pid && command) orphans.set(group, command);
      }
      return agent?.kill('SIGKILL') ?? false;
    },
    powerOff: async (graceMs) => {
      switchOff();
      endOrphans();
      if (isFrozen) thaw();
      const child = agent;
      if (!child?.pid) {
        // A stack may have been killed while the instance was stopping.
        endLeftover();
        forgetMemory(disk);
        return;
      }
      const gone = new Promise((resolve) => child.once('close', resolve));
      const { pid } = child;
      const groups = readGroupsOf(pid);
      signalGroup(pid, 'SIGTERM');
      const kill = setTimeout(() => killAll(pid), graceMs);
      await gone;
      clearTimeout(kill);
      for (const group of groups) signalGroup(group, 'SIGKILL');
      forgetMemory(disk);
    },
    pullPlug: () => {
      switchOff();
      endOrphans();
      if (agent?.pid) killAll(agent.pid);
      forgetMemory(disk);
    },
  };
};
