/** Runs one task: fetches its repository, prepares its app, takes its steps and returns the result. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskPayload } from '../../protocol/agent.ts';
import type { Commit, HostResult } from '../../protocol/result.ts';
import type { App, Job, Step } from '../apps/app.ts';
import { apps } from '../apps/index.ts';
import { failureOf, TaskError } from '../errors.ts';
import { requireProgram } from '../process/programs.ts';
import type { RunAs } from '../process/run-as.ts';
import type { Timing } from '../timing.ts';
import { waitForConfirmation } from './confirmation.ts';
import { createGit } from './git.ts';
import { gitEnvironmentFor, gitVariables } from './git-access.ts';
import { parseGitUrl } from './git-url.ts';
import type { HeldTask } from './held-tasks.ts';
import { fetchRepository } from './repository.ts';
import { hostKeyOptions, sshFlags } from './ssh.ts';
import { createTaskPrograms, type TaskOutput, type TaskPrograms } from './task-programs.ts';
import { createTimeLimit, type TimeLimit } from './time-limit.ts';
import { createWorkspace, type Workspace } from './workspace.ts';

export interface TaskResult {
  status: 'success' | 'error' | 'stopped' | 'handed_back' | 'lost';
  exitCode?: number;
  reason?: string;
  commit?: Commit;
  hosts?: HostResult[];
}

export interface TaskRunnerOptions {
  payload: TaskPayload;
  task: HeldTask;
  output: TaskOutput;
  workDir: string;
  /** Path that is searched for programs, like PATH. */
  path: string;
  /** Longest time between SIGTERM and SIGKILL at the agent's own end. */
  killGraceMs: number;
  /** Reports that the task waits for confirmation. The decision comes as the task's `decision`. */
  awaitConfirmation(): Promise<void>;
  /** User that programs run as, if not the agent's own. */
  runAs?: RunAs;
  timing: Timing;
}

/** State of one run. */
interface Run extends TaskRunnerOptions {
  app: App;
  workspace: Workspace;
  programs: TaskPrograms;
  limit: TimeLimit;
  /** Aborts when the task is to end, for any cause. */
  end: AbortSignal;
  say(text: string): Promise<void>;
  /** Filled during the run. */
  result: Pick<TaskResult, 'commit' | 'hosts'>;
  /** True while git fetches the repository, for the reason of a time limit. */
  isFetching: boolean;
}

/** Environment of all programs: only PATH of the agent's own. The template's variables take precedence. */
const baseEnvironment = ({ payload, workspace, path, runAs }: Run): Record<string, string> => ({
  PATH: path,
  HOME: workspace.home,
  TMPDIR: workspace.temporary,
  LANG: 'C.UTF-8',
  ...(runAs && { USER: runAs.user, LOGNAME: runAs.user }),
  REVEILLE_PROJECT_ID: payload.projectId,
  REVEILLE_TASK_ID: payload.taskId,
  REVEILLE_ATTEMPT: String(payload.attempt),
  REVEILLE_TEMPLATE_NAME: payload.templateName,
});

/**
 * Returns the variables of the project's environment with its secrets. It writes the secrets that a task
 * wants as files: each variable holds the path of its file.
 */
const writeVariables = async ({ payload, workspace }: Run): Promise<Record<string, string>> => {
  const paths: Record<string, string> = {};
  for (const [name, value] of Object.entries(payload.secretFiles ?? {})) {
    paths[name] = await workspace.writePrivate(`secret-${name}`, value);
  }
  return { ...payload.variables, ...payload.secrets, ...paths };
};

const locateScript = async ({ payload, app, workspace }: Run): Promise<string> => {
  if (payload.script !== undefined) {
    // Editors on Windows write a byte order mark and CR, which bash takes for a part of its commands.
    const text = payload.script.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
    return workspace.writePlain(app.inlineName, text.endsWith('\n') ? text : `${text}\n`);
  }
  if (payload.path === undefined)
    throw new TaskError('The template has neither a script nor a path: give it one');
  const path = join(workspace.source, payload.path);
  await access(path).catch(() => {
    throw new TaskError(
      `${payload.path} is not in the repository (${payload.repository?.branch}): correct the template's path`,
    );
  });
  return path;
};

/** Fetches the repository. Returns the variables with which git reaches it. */
const fetchSources = async (
  run: Run,
  variables: Readonly<Record<string, string>>,
): Promise<Record<string, string>> => {
  const { payload, workspace, programs, output, path, say, result, end } = run;
  const { repository, projectId } = payload;
  if (!repository) return {};
  const program = await requireProgram(path, 'git', 'the package git');
  await say(`Fetching ${parseGitUrl(repository.url).url} (${repository.branch})`);
  const knownHosts =
    repository.knownHosts ?? (repository.key?.type === 'ssh' ? repository.key.knownHosts : undefined);
  const hostKeys = await hostKeyOptions({ ...run, projectId, use: 'git', knownHosts });
  const environment = await gitEnvironmentFor(workspace, repository, sshFlags(hostKeys));
  const base = { ...baseEnvironment(run), ...gitVariables(variables) };
  const git = createGit({ programs, output, program, cwd: workspace.root, environment: base });
  const both = { inCache: git, inWorkspace: git };
  run.isFetching = true;
  const commit = await fetchRepository({
    ...run,
    repository,
    projectId,
    git: both,
    environment,
    signal: end,
  });
  run.isFetching = false;
  result.commit = commit;
  await say(`At commit ${commit.hash} ${commit.message}`);
  return environment;
};

const prepareJob = async (run: Run, variables: Readonly<Record<string, string>>): Promise<Job> => {
  const { payload, workspace, path, end } = run;
  const { projectId, inventory } = payload;
  const gitEnvironment = await fetchSources(run, variables);
  const knownHosts =
    inventory?.knownHosts ?? (inventory?.key?.type === 'ssh' ? inventory.key.knownHosts : undefined);
  const hostKeys = await hostKeyOptions({ ...run, projectId, use: 'hosts', knownHosts });
  return { payload, workspace, path, script: await locateScript(run), hostKeys, gitEnvironment, end };
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
    asTask: true,
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

/** Time to read the results that a task left. */
const readResultsMs = 5000;

/** Runs the steps. Throws TaskError only for errors that the task's owner can correct. */
const takeSteps = async (run: Run): Promise<Outcome> => {
  const { app, payload, workspace, path, end, say, runAs } = run;
  // This also makes the task count as running while its program is silent.
  await say(`Starting ${payload.app}, attempt ${payload.attempt}`);
  await requireProgram(path, app.program, app.install);
  const variables = await writeVariables(run);
  const job = await prepareJob(run, variables);
  const { environment, answers, steps } = await app.prepare(job);
  const all = {
    ...baseEnvironment(run),
    ...environment,
    ...variables,
    ...answers,
  };
  if (runAs) await workspace.handOver(runAs);
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

/** Never rejects: any failure becomes the task's error, with a reason. */
export const runTask = async (options: TaskRunnerOptions): Promise<TaskResult> => {
  const { payload, task, output, workDir, runAs, timing } = options;
  const limit = createTimeLimit(payload.timeoutMs, timing);
  const end = AbortSignal.any([task.ended, limit.signal]);
  const say = (text: string) => output.write('agent', `${text}\n`);
  let workspace: Workspace | undefined;
  try {
    const name = `${payload.taskId}-${payload.attempt}`;
    workspace = await createWorkspace({ workDir, name, isShared: runAs !== undefined });
    const programs = createTaskPrograms({ ...options, workspace, end });
    const app = apps[payload.app];
    const run: Run = { ...options, app, workspace, programs, limit, end, say, result: {}, isFetching: false };
    const outcome = await takeSteps(run).catch(
      (error: unknown): Outcome => ({ status: 'error', reason: failureOf(error) }),
    );
    const result = { ...judge(outcome, run), ...run.result };
    // A success needs no message, and so no further chunk: most short tasks have only one.
    if (result.reason) await say(result.reason);
    return result;
  } catch (error) {
    const reason = failureOf(error);
    await say(reason);
    return { status: 'error', reason };
  } finally {
    limit.clear();
    await workspace?.wipe().catch(() => undefined);
  }
};
