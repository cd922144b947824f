/** Follows a task on the terminal: `task run --follow` and `task logs --follow`. */
import type { LogEntry } from '../../protocol/log.ts';
import type { Task } from '../../protocol/task.ts';
import { exitCodes } from '../errors.ts';
import { followTask } from '../follow.ts';
import type { Session } from '../session.ts';
import { dimmed } from '../terminal.ts';
import { duration, plain } from '../text.ts';
import type { CommandContext } from './context.ts';

/** Exit code for an ended task: its program's, or 1 when it failed before or without one. */
export const exitCodeOf = ({ status, exitCode }: Pick<Task, 'status' | 'exitCode'>): number => {
  if (status === 'success') return exitCodes.ok;
  return exitCode === undefined || exitCode === 0 ? exitCodes.failed : exitCode;
};

/**
 * Writes log entries. The task's stderr and the runner's messages go to stderr, so that a pipe gets only the
 * output.
 */
export const logWriter =
  (
    { terminal, env }: Pick<CommandContext, 'terminal' | 'env'>,
    { mergesInto }: { mergesInto?: 'err' } = {},
  ) =>
  async (entries: readonly LogEntry[]): Promise<void> => {
    for (const { stream, text } of entries) {
      const output = stream === 'stdout' && mergesInto === undefined ? terminal.out : terminal.err;
      await output.write(stream === 'agent' ? dimmed(output, env, text) : text);
    }
  };

const endOf = (task: Task): string => {
  const ms = task.startedAt && task.finishedAt && Date.parse(task.finishedAt) - Date.parse(task.startedAt);
  const took = ms ? ` after ${duration(ms)}` : '';
  const code = task.exitCode ? `, exit code ${task.exitCode}` : '';
  return `Task ${task.id}: ${task.status}${code}${took}${task.reason ? `. ${task.reason}` : ''}`;
};

export interface WatchFlags {
  readonly json?: boolean;
  readonly stopOnInterrupt?: boolean;
}

/**
 * Follows a task to its end, and exits with its exit code. Ctrl-C ends the command and leaves the task
 * running. With `stopOnInterrupt` the first Ctrl-C stops the task, and the second ends the command.
 */
export const watchTask = async (
  context: CommandContext,
  { api }: Pick<Session, 'api'>,
  task: Pick<Task, 'id' | 'projectId'>,
  { json, stopOnInterrupt }: WatchFlags,
): Promise<void> => {
  const { terminal, env } = context;
  const say = (text: string) => terminal.err.write(dimmed(terminal.err, env, `── ${plain(text)}\n`));
  const leaving = new AbortController();
  let isStopping = false;

  const stop = async () => {
    isStopping = true;
    await say('Stopping the task. Press Ctrl-C again to leave without waiting for its end.');
    await api.tellTask(task.projectId, task.id, 'stop').catch((error: unknown) => say(String(error)));
  };
  const endListening = terminal.onInterrupt(() => {
    if (stopOnInterrupt && !isStopping) void stop();
    else leaving.abort();
  });
  try {
    const print = logWriter(context, json ? { mergesInto: 'err' } : {});
    const ended = await followTask({ api, task, terminal, print, say, signal: leaving.signal });
    if (!ended) {
      await say(
        `The task continues. See its log: reveille task logs ${task.id} --follow. Stop it: reveille task stop ${task.id}`,
      );
      return context.exitWith(exitCodes.interrupted);
    }
    await say(endOf(ended));
    if (json) await terminal.out.write(`${JSON.stringify(ended, undefined, 2)}\n`);
    context.exitWith(exitCodeOf(ended));
  } finally {
    endListening();
  }
};
