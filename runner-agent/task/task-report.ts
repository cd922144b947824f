/** Reports a held task to the API under its lease: log and result, each until the API has accepted it. */
import { type LogChunk, maxFinishLogBytes } from '../../protocol/log.ts';
import type { AgentApi } from '../agent-api.ts';
import { ApiProblem, messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { retry } from '../retry.ts';
import type { Timing } from '../timing.ts';
import type { HeldTask } from './held-tasks.ts';
import { createLogStreamer, type LogStreamer, type LogSummary } from './log-streamer.ts';
import type { Outcome, Results } from './results.ts';

export interface TaskReportOptions {
  api: Pick<AgentApi, 'log' | 'finish'>;
  /** Gets a new lease. */
  beat(): Promise<void>;
  results: Results;
  /** The API takes the last chunks of the log with the result. */
  finishTakesLog?: boolean;
  timing: Timing;
  log: Logger;
}

export interface TaskReport {
  /** Makes a call with the lease. A heartbeat renews an expired one, and a lost one ends the task. */
  underLease<T>(call: (lease: string) => Promise<T>): Promise<T>;
  readonly streamer: LogStreamer;
  /**
   * Delivers the result after the program's end. Keeps it on disk until the API has accepted it and the log.
   */
  deliver(result: Outcome['result']): Promise<void>;
}

const isProblem = (error: unknown, code: string) => error instanceof ApiProblem && error.code === code;
/** Returns true when a call under a lease would get the same answer again. */
export const isFinal = (error: unknown) =>
  error instanceof ApiProblem && error.code !== 'lease_expired' && error.status !== 401;

const maxReasonLength = 2000;

/** Creates the report of a task. `before` is the undelivered output of a previous agent. */
export const createTaskReport = (
  task: HeldTask,
  { api, beat, results, finishTakesLog = false, timing, log }: TaskReportOptions,
  before?: Outcome,
): TaskReport => {
  const underLease = async <T>(call: (lease: string) => Promise<T>): Promise<T> => {
    try {
      return await call(task.lease());
    } catch (error) {
      if (isProblem(error, 'lease_lost')) task.end('lost');
      if (!isProblem(error, 'lease_expired')) throw error;
      await beat();
      return call(task.lease());
    }
  };

  const upload = async (chunks: LogChunk[]) => {
    const { stop } = await underLease((lease) => api.log({ lease, chunks }, task.lost));
    if (stop) task.end('stopped');
  };

  const streamer = createLogStreamer({
    upload,
    isFinal,
    signal: task.lost,
    timing,
    before,
  });

  const report = (result: Outcome['result'], logChunks: number, chunks?: LogChunk[]) =>
    retry(() => underLease((lease) => api.finish({ lease, ...result, logChunks, chunks })), {
      isFinal,
      onRetry: (error) => log.warn(`Cannot report task ${task.taskId}: ${messageOf(error)}; trying again`),
      signal: task.lost,
      timing,
      baseMs: 500,
      maxMs: 15_000,
    });

  /** Sends the rest of the log by itself, after those chunks. */
  const sendRest = async (chunks: number, rest: LogChunk[]): Promise<LogSummary> => {
    const before = { pending: rest, chunks: chunks + rest.length };
    return createLogStreamer({ upload, isFinal, signal: task.lost, timing, before }).close();
  };

  /** Reports the result with the rest of the log. */
  const finish = async (result: Outcome['result'], { chunks, rest, error }: LogSummary): Promise<void> => {
    if (rest.length > 0) {
      try {
        return await report(result, chunks + rest.length, rest);
      } catch (refused) {
        // The API was replaced by an earlier version since the claim, which takes a log only by itself.
        if (!isProblem(refused, 'invalid_request')) throw refused;
        return finish(result, await sendRest(chunks, rest));
      }
    }
    if (error !== undefined) {
      const trouble = `Its log is not complete: ${messageOf(error)}`;
      result.reason = (result.reason ? `${result.reason}. ${trouble}` : trouble).slice(0, maxReasonLength);
    }
    await report(result, chunks);
  };

  const deliverResult = (result: Outcome['result'], written: LogSummary) =>
    finish(result, written)
      .then(() => {
        // A task that was handed back or lost may wait again.
        if (result.status !== 'handed_back' && result.status !== 'lost') task.conclude();
      })
      .catch((error: unknown) => {
        if (task.lost.aborted) return;
        log.error(`The API does not accept the result of task ${task.taskId}: ${messageOf(error)}`);
      });

  return {
    underLease,
    streamer,
    deliver: async (given) => {
      const { projectId, taskId } = task;
      const result = { ...given, reason: given.reason?.slice(0, maxReasonLength) };
      const ended = streamer.end(finishTakesLog ? maxFinishLogBytes : 0);
      const outcome = { projectId, taskId, attempt: task.attempt() ?? 1, result, ...ended };
      // From here on nothing runs, so an expired lease ends nothing: it may still be renewed later.
      task.settle();
      await results
        .save(outcome)
        .catch((error: unknown) => log.warn(`Cannot keep the result on disk: ${messageOf(error)}`));
      await deliverResult(result, await streamer.close());
      if (task.lost.aborted) log.warn(`Task ${taskId}: given up, it is no longer this runner's`);
      await results.remove(outcome);
    },
  };
};
