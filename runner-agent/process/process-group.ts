/** Runs a program as the leader of its own process group, and ends it with all processes that it started. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import type { Timing } from '../timing.ts';
import { killTree, markName } from './process-tree.ts';
import { createStopRequests } from './stop-requests.ts';

export interface ProgramOptions {
  program: string;
  args: string[];
  cwd: string;
  environment: Record<string, string>;
  /**
   * Marks all processes that the program starts, so that they are found in any group. Unique on this machine.
   */
  mark: string;
  /** User that only this task has, if it is not the agent's own. */
  owner?: number | undefined;
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
  /**
   * Sends SIGTERM to the program, then to what it leaves behind. When a fifth of `graceMs` is left, sends
   * SIGTERM to the rest, and at its end SIGKILL, in any group.
   */
  terminate(graceMs: number): void;
  kill(): void;
}

/**
 * Silence after the program's exit that counts as the end of output: a process that left the group may keep a
 * pipe open for ever.
 */
const silenceAfterExitMs = 1000;
const groupPollMs = 50;
/**
 * Share of the grace after which all are asked. The parent of such a process had its time, and can still save
 * its work when the child ends, which it cannot after SIGKILL.
 */
const lastCallShare = 0.8;

const toExit = (code: number | null, signal: NodeJS.Signals | null): Exit =>
  signal ? { code: 128 + constants.signals[signal], signal } : { code: code ?? 1 };

export const startProcessGroup = (options: ProgramOptions): ProcessGroup => {
  const { program, args, cwd, environment, mark, owner, onOutput, onEnd, timing } = options;
  const child = spawn(program, args, {
    cwd,
    env: { ...environment, [markName]: mark },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let deadline: number | undefined;
  let callOffEnd: (() => void) | undefined;

  const tree = { group: child.pid, owner, isOurs: (found: string) => found === mark };

  const requests = createStopRequests(tree);
  const killAll = async () => {
    if (child.pid !== undefined) await killTree(tree);
  };

  /** Waits for the rest of the tree, which has the rest of the grace when the program was asked to end. */
  const othersHaveEnded = async () => {
    const isInGrace = () => deadline !== undefined && timing.monotonic() < deadline;
    while (isInGrace() && (await requests.askOrphans()) > 0) await timing.sleep(groupPollMs);
    callOffEnd?.();
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
      void requests.askLeader();
      const callOffs = [
        timing.after(graceMs * lastCallShare, () => void requests.askRest()),
        timing.after(graceMs, () => void killAll()),
      ];
      callOffEnd = () => {
        for (const callOff of callOffs) callOff();
      };
    },
    kill: () => {
      deadline = 0;
      void killAll();
    },
  };
};
