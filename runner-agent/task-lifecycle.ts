/** A claimed task from its payload to its finish: opens it, runs it, streams its log, reports its result. */
import type { KeyObject } from 'node:crypto';
import { type ClaimResponse, taskPayload } from '../protocol/agent.ts';
import type { AgentApi } from './agent-api.ts';
import { backoffMs } from './backoff.ts';
import { ApiProblem, messageOf } from './errors.ts';
import type { HeldTask } from './held-tasks.ts';
import { decrypt } from './keys.ts';
import type { LogStream } from './log-streamer.ts';
import { createMasker } from './masker.ts';
import { secretsOf } from './payload-secrets.ts';
import type { Outcome } from './results.ts';
import { secretForms } from './secret-forms.ts';
import type { TaskOutput } from './task-programs.ts';
import { createTaskReport, type TaskReportOptions } from './task-report.ts';
import { runTask, type TaskResult, type TaskRunnerOptions } from './task-runner.ts';

export interface TaskLifecycleOptions extends TaskReportOptions, Pick<TaskRunnerOptions, 'runAs'> {
  api: Pick<AgentApi, 'log' | 'finish' | 'awaitConfirmation'>;
  privateKey: KeyObject;
  workDir: string;
  path: string;
  killGraceMs: number;
}

/** Each stream has its own masker, as a secret may be split over two reads of one stream. */
const masked = (secrets: string[], write: (stream: LogStream, text: string) => Promise<void>): TaskOutput => {
  const forms = secretForms(secrets);
  const open = () => ({
    stdout: createMasker(forms),
    stderr: createMasker(forms),
    agent: createMasker(forms),
  });
  const maskers = open();
  return {
    write: (stream, text) => {
      // What the agent says is whole lines: nothing of it is kept back.
      const shown = maskers[stream].write(text) + (stream === 'agent' ? maskers.agent.end() : '');
      return write(stream, shown);
    },
    end: (stream) => write(stream, maskers[stream].end()),
  };
};

/** Runs the task of a successful claim to its very end; never rejects. The caller frees the slot. */
export const attendTask = async (
  task: HeldTask,
  claim: ClaimResponse,
  options: TaskLifecycleOptions,
): Promise<void> => {
  const { api, privateKey, timing, log } = options;
  const report = createTaskReport(task, options);

  const open = async () => taskPayload.parse(JSON.parse(await decrypt(claim.payload, privateKey)));

  const awaitConfirmation = async () => {
    for (let failures = 1; !task.ended.aborted; failures += 1) {
      try {
        return await report.underLease(api.awaitConfirmation);
      } catch (error) {
        if (error instanceof ApiProblem && error.code !== 'lease_expired') throw error;
        await timing.sleep(backoffMs(failures, timing.random(), { baseMs: 500, maxMs: 15_000 }), task.ended);
      }
    }
  };

  const run = async (): Promise<TaskResult> => {
    const payload = await open();
    if (payload.onDrain === 'hand_back') task.allowHandBack();
    const output = masked(secretsOf(payload), report.streamer.write);
    return runTask({ ...options, payload, task, output, awaitConfirmation });
  };

  const startedAt = timing.now();
  log.info(`Task ${task.taskId}, attempt ${claim.attempt}: started`);
  const result = await run().catch(
    (error: unknown): TaskResult => ({
      status: 'error',
      reason: `This runner cannot open the task's payload (is its key the registered one?): ${messageOf(error)}`,
    }),
  );
  await report.deliver(result);
  if (task.lost.aborted) return;
  const seconds = ((timing.now() - startedAt) / 1000).toFixed(1);
  log.info(`Task ${task.taskId}: ${result.status} after ${seconds} s`);
};

/** Delivers what an agent before this one, in this folder, left undelivered. `task` has a lease, or is lost. */
export const deliverOutcome = async (
  task: HeldTask,
  outcome: Outcome,
  options: TaskReportOptions,
): Promise<void> => {
  options.log.info(`Task ${task.taskId}: delivering the result that an agent before this one had kept`);
  await createTaskReport(task, options, outcome).deliver(outcome.result);
};
