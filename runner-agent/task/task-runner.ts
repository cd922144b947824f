/** Runs one task: fetches its repository, prepares its app, takes its steps and returns the result. */
import { join } from 'node:path';
import type { Job, Step } from '../apps/app.ts';
import { apps } from '../apps/index.ts';
import { failureOf, TaskError } from '../errors.ts';
import { requireProgram } from '../process/programs.ts';
import type { Loan } from '../process/separation.ts';
import { waitForConfirmation } from './confirmation.ts';
import { createHostKeys, givenHostKeys, sshHosts } from './host-keys.ts';
import {
  baseEnvironment,
  learnHosts,
  type Run,
  readResultsMs,
  type TaskResult,
  type TaskRunnerOptions,
  writeVariables,
} from './run.ts';
import { fetchSources } from './sources.ts';
import { ownTaskFiles, taskFilesOf } from './task-file.ts';
import { createTaskPrograms } from './task-programs.ts';
import { createTimeLimit } from './time-limit.ts';
import { createWorkspace, type Workspace } from './workspace.ts';

const locateScript = async ({ payload, app, workspace, files }: Run): Promise<string> => {
  if (payload.script !== undefined) {
    // Editors on Windows write a byte order mark and CR, which bash takes for a part of its commands.
    const text = payload.script.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
    return workspace.writeScript(app.inlineName, text.endsWith('\n') ? text : `${text}\n`);
  }
  if (payload.path === undefined)
    throw new TaskError('The template has neither a script nor a path: give it one');
  const path = join(workspace.source, payload.path);
  if (await files.exists(path)) return path;
  throw new TaskError(
    `${payload.path} is not in the repository (${payload.repository?.branch}): correct the template's path`,
  );
};

const prepareJob = async (run: Run, variables: Readonly<Record<string, string>>): Promise<Job> => {
  const { payload, workspace, files, path, end } = run;
  const { inventory } = payload;
  const gitEnvironment = await fetchSources(run, variables);
  const knownHosts = givenHostKeys(inventory);
  const hosts = await sshHosts({ files: workspace, hostKeys: run.hostKeys, use: 'hosts', knownHosts });
  run.hosts.push(hosts);
  const script = await locateScript(run);
  const hostKeys = hosts.options;
  return { payload, workspace, files, path, script, hostKeys, gitEnvironment, end };
};

type Outcome = Pick<TaskResult, 'exitCode' | 'reason'> & { status: 'success' | 'error' | 'stopped' };

/** Returns undefined to continue. */
const confirm = async (run: Run, withinMs: number): Promise<Outcome | undefined> => {
  const { task, limit, end, timing, say, awaitConfirmation } = run;
  await say(`Waiting up to ${Math.round(withinMs / 1000)} s for confirmation`);
  limit.pause();
  await awaitConfirmation();
  const word = await waitForConfirmation({ task, withinMs, end, timing });
  limit.resume();
  switch (word) {
    case 'confirmed':
      await say('Confirmed');
      return undefined;
    case 'rejected':
      // Without a reason, so that the API's reason stays, which names the person.
      await say('Rejected');
      return { status: 'stopped' };
    case 'too_late':
      return { status: 'error', reason: 'Nobody confirmed it in time: start the task again' };
    case 'ended':
      return { status: 'stopped' };
  }
};

const takeStep = async (
  run: Run,
  step: Step,
  environment: Record<string, string>,
): Promise<Outcome | 'next'> => {
  const { app, path, programs, workspace, say } = run;
  if (step.confirmWithinMs !== undefined) {
    const refused = await confirm(run, step.confirmWithinMs);
    if (refused) return refused;
  }
  if (step.title) await say(step.title);
  const exit = await programs.run({
    program: await requireProgram(path, step.program ?? app.program, app.install),
    args: step.args,
    cwd: workspace.source,
    environment: { ...environment, ...step.environment },
  });
  if (exit.signal) {
    return { status: 'error', exitCode: exit.code, reason: `The program was ended by ${exit.signal}` };
  }
  const next = step.outcome?.(exit.code) ?? (exit.code === 0 ? 'next' : 'failed');
  if (next === 'failed') {
    return { status: 'error', exitCode: exit.code, reason: app.explain(exit.code, step) };
  }
  return next === 'next' ? 'next' : { status: 'success', exitCode: 0 };
};

/** Runs the steps. Throws TaskError only for errors that the task's owner can correct. */
const takeSteps = async (run: Run): Promise<Outcome> => {
  const { app, payload, path, end, say } = run;
  // This also makes the task count as running while its program is silent.
  await say(`Starting ${payload.app}, attempt ${payload.attempt}`);
  await requireProgram(path, app.program, app.install);
  const variables = await writeVariables(run, run.workspace);
  const job = await prepareJob(run, variables);
  const { environment, answers, steps } = await app.prepare(job);
  const all = {
    ...baseEnvironment(run),
    ...environment,
    ...variables,
    ...answers,
  };
  try {
    for (const step of steps) {
      if (end.aborted) return { status: 'stopped', exitCode: 143 };
      const outcome = await takeStep(run, step, all);
      if (outcome !== 'next') return outcome;
    }
    return { status: 'success', exitCode: 0 };
  } finally {
    // The task's own time limit may be over.
    const reading = createTimeLimit(readResultsMs, run.timing);
    const hosts = await app.readHosts?.({ ...job, end: reading.signal });
    reading.clear();
    if (hosts) run.result.hosts = hosts;
  }
};

/** Decides the result. An end from outside outranks the outcome of the programs. */
const judge = (outcome: Outcome, { task, limit, payload, isFetching }: Run): TaskResult => {
  const ended = outcome.exitCode === undefined ? {} : { exitCode: outcome.exitCode };
  switch (task.cause()) {
    case 'stopped':
      return { status: 'stopped', ...ended, reason: 'Stopped by a user' };
    case 'handed_back':
      return { status: 'handed_back', ...ended, reason: 'Handed back, as the runner drains' };
    case 'shutdown':
      return { status: 'lost', ...ended, reason: 'The runner was shut down while the task ran' };
  }
  if (limit.signal.aborted) {
    const what = isFetching ? 'Fetching the repository took' : 'It ran';
    const reason = `${what} longer than its timeout of ${payload.timeoutMs / 1000} s and was ended`;
    return { status: 'error', ...ended, reason };
  }
  return outcome;
};

/** Runs the task in its workspace. */
const runIn = async (run: Run): Promise<TaskResult> => {
  const outcome = await takeSteps(run).catch(
    (error: unknown): Outcome => ({ status: 'error', reason: failureOf(error) }),
  );
  for (const hosts of run.hosts) await learnHosts(run, hosts);
  const result = { ...judge(outcome, run), ...run.result };
  // A success needs no message, and so no further chunk: most short tasks have only one.
  if (result.reason) await run.say(result.reason);
  return result;
};

/** Never rejects: any failure becomes the task's error, with a reason. */
export const runTask = async (options: TaskRunnerOptions): Promise<TaskResult> => {
  const { payload, task, output, workDir, separation, timing } = options;
  const limit = createTimeLimit(payload.timeoutMs, timing);
  const end = AbortSignal.any([task.ended, limit.signal]);
  const say = (text: string) => output.write('agent', `${text}\n`);
  let loan: Loan | undefined;
  let workspace: Workspace | undefined;
  try {
    loan = separation?.lend();
    const user = loan?.user;
    const name = `${payload.taskId}-${payload.attempt}`;
    workspace = await createWorkspace({ workDir, name, owner: loan });
    const programs = createTaskPrograms({ ...options, user, workspace, end });
    const files = separation && user ? taskFilesOf(separation.shell, user) : ownTaskFiles;
    const hostKeys = createHostKeys(workDir, payload.projectId);
    const found = { app: apps[payload.app], user, workspace, programs, files, hostKeys };
    return await runIn({ ...options, ...found, limit, end, say, hosts: [], result: {}, isFetching: false });
  } catch (error) {
    const reason = failureOf(error);
    await say(reason);
    return { status: 'error', reason };
  } finally {
    limit.clear();
    const wipe = async () => workspace?.wipe();
    await (loan ? loan.giveBack(wipe) : wipe().catch(() => undefined));
  }
};
