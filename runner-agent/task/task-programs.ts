/** Starts the programs of one task and ends them with it. */
import type { TaskPayload } from '../../protocol/agent.ts';
import { messageOf, TaskError } from '../errors.ts';
import { type Exit, startProcessGroup } from '../process/process-group.ts';
import { requireProgram } from '../process/programs.ts';
import { type Command, commandAs, type RunAs } from '../process/run-as.ts';
import type { Timing } from '../timing.ts';
import type { HeldTask } from './held-tasks.ts';
import type { LogStream } from './log-streamer.ts';
import type { Workspace } from './workspace.ts';

/** Output of a task. Each stream is masked separately. */
export interface TaskOutput {
  write(stream: LogStream, text: string): Promise<void>;
  /** Ends the stream. */
  end(stream: LogStream): Promise<void>;
}

export interface Call {
  /** Program with its path. */
  program: string;
  args: readonly string[];
  cwd: string;
  environment: Record<string, string>;
  /** Runs as the user of tasks, and not as the agent's own. */
  asTask?: boolean;
}

export interface TaskPrograms {
  /** Writes the output to the task's log, or to `to`. */
  run(call: Call, to?: TaskOutput): Promise<Exit>;
}

export interface TaskProgramsOptions {
  payload: Pick<TaskPayload, 'stopGraceMs'>;
  task: HeldTask;
  output: TaskOutput;
  workspace: Workspace;
  path: string;
  killGraceMs: number;
  runAs?: RunAs;
  /** Aborts when the task is to end. */
  end: AbortSignal;
  timing: Timing;
}

/** Refuses NUL, at which a program's strings end. The value is not quoted: it may be a secret. */
const refuseNul = ({ args, environment }: Call): void => {
  for (const [name, value] of Object.entries(environment)) {
    if (!value.includes('\0')) continue;
    throw new TaskError(
      `The variable ${name} has a NUL character, which no program can get: correct its value`,
    );
  }
  if (args.some((argument) => argument.includes('\0')))
    throw new TaskError('An argument has a NUL character, which no program can get: correct the template');
};

export const createTaskPrograms = (options: TaskProgramsOptions): TaskPrograms => {
  const { payload, task, output, workspace, path, killGraceMs, runAs, end, timing } = options;

  const commandOf = async ({ program, args, environment, asTask }: Call): Promise<Command> => {
    const command = { program, args: [...args], environment };
    if (!runAs || !asTask) return command;
    const setpriv = await requireProgram(path, 'setpriv', 'the package util-linux');
    const env = await requireProgram(path, 'env', 'the package coreutils');
    return commandAs(runAs, { setpriv, env }, command);
  };

  const start = async (call: Call, to: TaskOutput): Promise<Exit> => {
    refuseNul(call);
    const group = startProcessGroup({
      ...(await commandOf(call)),
      cwd: call.cwd,
      mark: workspace.root,
      onOutput: to.write,
      onEnd: to.end,
      timing,
    });
    // A lost task may already run elsewhere: no grace.
    const kill = () => group.kill();
    const graceMs = () =>
      task.cause() === 'shutdown' ? Math.min(killGraceMs, payload.stopGraceMs) : payload.stopGraceMs;
    const terminate = () => (task.lost.aborted ? kill() : group.terminate(graceMs()));
    if (end.aborted) terminate();
    end.addEventListener('abort', terminate, { once: true });
    task.lost.addEventListener('abort', kill, { once: true });
    try {
      return await group.exit;
    } catch (error) {
      throw new Error(`Cannot start ${call.program}: ${messageOf(error)}`, { cause: error });
    } finally {
      end.removeEventListener('abort', terminate);
      task.lost.removeEventListener('abort', kill);
    }
  };

  return {
    run: (call, to = output) => start(call, to),
  };
};
