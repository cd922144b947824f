/** Runs a program as the leader of its own process group, and ends it with all processes that it started. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import type { Timing } from '../timing.ts';
import { killTree, listTree, markName, signal } from './process-tree.ts';

export interface ProgramOptions {
  program: string;
  args: string[];
  cwd: string;
  environment: Record<string, string>;
  /**
   * Marks all processes that the program starts, so that they are found in any group. Unique on this machine.
   */
  mark: string;
  /** Reading continues when the promise resolves. */
  onOutput(stream: 'stdout' | 'stderr', text: string): Promise<void>;
  onEnd?(stream: 'stdout' | 'stderr'): Promise<void>;
  timing: Pick<Timing, 'monotonic' | 'sleep' | 'after'>;
}

export interface Exit {
  /** Exit code as in a shell: 128 plus the signal's number when a signal ended the program. */
  code: number;
  signal?: NodeJS.Signals;
}

export interface ProcessGroup {
  /** Resolves when the program has ended and its output is read. Rejects when it could not be started. */
  readonly exit: Promise<Exit>;
  /** Sends SIGTERM to the group, and after `graceMs` SIGKILL to all that is left, in any group. */
  terminate(graceMs: number): void;
  kill(): void;
}

/**
 * Silence after the program's exit that counts as the end of output: a process that left the group may keep a
 * pipe open for ever.
 */
const silenceAfterExitMs = 1000;
const groupPollMs = 50;

const toExit = (code: number | null, signal: NodeJS.Signals | null): Exit =>
  signal ? { code: 128 + constants.signals[signal], signal } : { code: code ?? 1 };

export const startProcessGroup = (options: ProgramOptions): ProcessGroup => {
  const { program, args, cwd, environment, mark, onOutput, onEnd, timing } = options;
  const child = spawn(program, args, {
    cwd,
    env: { ...environment, [markName]: mark },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let deadline: number | undefined;
  let callOffKill: (() => void) | undefined;

  const tree = { group: child.pid, isOurs: (found: string) => found === mark };

  const terminateGroup = () => {
    if (child.pid !== undefined) signal(-child.pid, 'SIGTERM');
  };
  const killAll = async () => {
    if (child.pid !== undefined) await killTree(tree);
  };

  /**
   * Waits for the rest of the group. A leader that was asked to end may exit first: the others keep the rest
   * of their grace. Processes that left the group get SIGTERM only now, because until here their leader could
   * end them.
   */
  const othersHaveEnded = async () => {
    const isInGrace = () => deadline !== undefined && timing.monotonic() < deadline;
    if (isInGrace()) {
      for (const { pid, group } of await listTree(tree)) if (group !== child.pid) signal(pid, 'SIGTERM');
    }
    while (isInGrace() && (await listTree(tree)).length > 0) await timing.sleep(groupPollMs);
    callOffKill?.();
    // Processes that a program leaves behind would keep running unseen, with the task's secrets.
    await killAll();
  };

  const exited = new Promise<Exit>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      void othersHaveEnded().then(() => resolve(toExit(code, signal)));
    });
  });

  const read = async (name: 'stdout' | 'stderr', stream: Readable) => {
    let hasExited = false;
    let isWriting = false;
    let callOffSilence: (() => void) | undefined;
    const listen = () => {
      if (hasExited) callOffSilence = timing.after(silenceAfterExitMs, () => stream.destroy());
    };
    void exited.then(
      () => {
        hasExited = true;
        if (!isWriting) listen();
      },
      () => stream.destroy(),
    );
    stream.setEncoding('utf8');
    try {
      for await (const text of stream) {
        callOffSilence?.();
        isWriting = true;
        await onOutput(name, String(text));
        isWriting = false;
        listen();
      }
    } catch (error) {
      if (!stream.destroyed) throw error;
    } finally {
      hasExited = false;
      callOffSilence?.();
    }
    await onEnd?.(name);
  };

  const reading = Promise.all([read('stdout', child.stdout), read('stderr', child.stderr)]);

  return {
    exit: exited.then(async (exit) => {
      await reading;
      return exit;
    }),
    terminate: (graceMs) => {
      if (deadline !== undefined) return;
      deadline = timing.monotonic() + graceMs;
      terminateGroup();
      callOffKill = timing.after(graceMs, () => void killAll());
    },
    kill: () => {
      deadline = 0;
      void killAll();
    },
  };
};
