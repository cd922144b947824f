/**
 * Handles a claimed task from its payload to its finish: opens it, runs it, streams its log, reports its
 * result.
 */
import type { KeyObject } from 'node:crypto';
import { type ClaimResponse, type TaskPayload, taskPayload } from '../../protocol/agent.ts';
import type { AgentApi } from '../agent-api.ts';
import { messageOf, TaskError } from '../errors.ts';
import { retry } from '../retry.ts';
import { decrypt } from '../secrets/keys.ts';
import { createMasking, type Masking } from '../secrets/masker.ts';
import { secretsOf } from '../secrets/payload-secrets.ts';
import { secretForms } from '../secrets/secret-forms.ts';
import type { HeldTask } from './held-tasks.ts';
import type { LogStream } from './log-streamer.ts';
import type { Outcome } from './results.ts';
import type { TaskResult, TaskRunnerOptions } from './run.ts';
import type { TaskOutput } from './task-programs.ts';
import { createTaskReport, isFinal, type TaskReportOptions } from './task-report.ts';
import { runTask } from './task-runner.ts';

export interface TaskLifecycleOptions
  extends TaskReportOptions,
    Pick<TaskRunnerOptions, 'separation' | 'caches'> {
  api: Pick<AgentApi, 'log' | 'finish' | 'awaitConfirmation'>;
  privateKey: KeyObject;
  workDir: string;
  path: string;
  killGraceMs: number;
}

/**
 * Masks the output. Each stream has its own masker, as a secret may be split over two reads of one stream.
 */
const masked = (masking: Masking, write: (stream: LogStream, text: string) => Promise<void>): TaskOutput => {
  const maskers = { stdout: masking.open(), stderr: masking.open(), agent: masking.open() };
  return {
    write: (stream, text) => {
      // The agent's own messages are whole lines: nothing is kept back.
      const shown = maskers[stream].write(text) + (stream === 'agent' ? maskers.agent.end() : '');
      return write(stream, shown);
    },
    end: (stream) => write(stream, maskers[stream].end()),
  };
};

/**
 * Masks the parts of a result that people see beside the log: reason, the commit's first line, host names.
 */
const maskedResult = (result: TaskResult, { mask }: Masking): TaskResult => {
  const { reason, commit, hosts } = result;
  return {
    ...result,
    reason: reason && mask(reason),
    commit: commit && { ...commit, message: mask(commit.message) },
    hosts: hosts?.map((one) => ({ ...one, host: mask(one.host) })),
  };
};

/**
 * Names the wrong fields without quoting anything: the text is secret, and which parts are secret is not
 * known yet.
 */
const parsePayload = (text: string): TaskPayload => {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw new TaskError('it is not JSON');
  }
  const parsed = taskPayload.safeParse(given);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(({ path }) => path.slice(0, 2).join('.'));
  throw new TaskError(`these fields are not as this agent expects them: ${[...new Set(fields)].join(', ')}`);
};

/** Runs the task of a successful claim to its end. Never rejects. The caller frees the slot. */
export const attendTask = async (
  task: HeldTask,
  claim: ClaimResponse,
  options: TaskLifecycleOptions,
): Promise<void> => {
  const { api, privateKey, timing, log } = options;
  const report = createTaskReport(task, { ...options, finishTakesLog: claim.finishTakesLog });

  const awaitConfirmation = () =>
    retry(() => report.underLease(api.awaitConfirmation), {
      isFinal,
      signal: task.ended,
      timing,
      baseMs: 500,
      maxMs: 15_000,
    }).catch((error: unknown) => {
      // The wait for the decision sees the task's end itself.
      if (!task.ended.aborted) throw error;
    });

  const run = async (): Promise<TaskResult> => {
    const payload = parsePayload(await decrypt(claim.payload, privateKey));
    if (payload.onDrain === 'hand_back') task.allowHandBack();
    const masking = createMasking(secretForms(secretsOf(payload)));
    const output = masked(masking, report.streamer.write);
    const result = await runTask({ ...options, payload, task, output, awaitConfirmation });
    return maskedResult(result, masking);
  };

  const startedAt = timing.now();
  log.info(`Task ${task.taskId}, attempt ${claim.attempt}: started`);
  const result = await run().catch(
    (error: unknown): TaskResult => ({
      status: 'error',
      reason: `This runner cannot open the task's payload (is its key the registered one, is its agent up to date?): ${messageOf(error)}`,
    }),
  );
  await report.deliver(result);
  if (task.lost.aborted) return;
  const seconds = ((timing.now() - startedAt) / 1000).toFixed(1);
  log.info(`Task ${task.taskId}: ${result.status} after ${seconds} s`);
};

/** Delivers the undelivered result of a previous agent in this folder. `task` has a lease, or is lost. */
export const deliverOutcome = async (
  task: HeldTask,
  outcome: Outcome,
  options: TaskReportOptions,
): Promise<void> => {
  options.log.info(`Task ${task.taskId}: delivering the result that a previous agent kept`);
  await createTaskReport(task, options, outcome).deliver(outcome.result);
};
