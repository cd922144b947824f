/** Starts the programs of one task and ends them with it. */
import type { TaskPayload } from '../../protocol/agent.ts';
import { messageOf, TaskError } from '../errors.ts';
import { type Exit, startProcessGroup } from '../process/process-group.ts';
import { type Command, commandAs, findRunAsPrograms, type Identity, type User } from '../process/run-as.ts';
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
  /** Runs with this identity in place of the task's. */
  as?: Identity;
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
  /** User of the task, if not the agent's own. */
  user?: User;
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
  const { payload, task, output, workspace, path, killGraceMs, user, end, timing } = options;

  const commandOf = async ({ program, args, cwd, environment, as }: Call): Promise<Command> => {
    const command = { program, args: [...args], cwd, environment };
    const identity = as ?? (user && { user });
    return identity ? commandAs(identity, await findRunAsPrograms(path), command) : command;
  };

  const start = async (call: Call, to: TaskOutput): Promise<Exit> => {
    refuseNul(call);
    const group = startProcessGroup({
      ...(await commandOf(call)),
      mark: workspace.root,
      // A cache's user may work for other tasks of the project at the same time.
      owner: call.as === undefined || call.as.user === user ? user?.uid : undefined,
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
