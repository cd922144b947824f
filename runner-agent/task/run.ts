/** State of one run of a task, which its parts share. */
import type { TaskPayload } from '../../protocol/agent.ts';
import type { Commit, HostResult } from '../../protocol/result.ts';
import type { App } from '../apps/app.ts';
import type { User } from '../process/run-as.ts';
import type { Separation } from '../process/separation.ts';
import type { Timing } from '../timing.ts';
import type { Caches } from './caches.ts';
import type { HeldTask } from './held-tasks.ts';
import { type HostKeys, maxHostKeysBytes, type SshHosts } from './host-keys.ts';
import type { TaskFiles } from './task-file.ts';
import type { TaskOutput, TaskPrograms } from './task-programs.ts';
import { createTimeLimit, type TimeLimit } from './time-limit.ts';
import type { OwnedFiles, Workspace } from './workspace.ts';

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
  /** Users for tasks and caches. Without it, all runs as the agent's own user. */
  separation?: Separation;
  caches: Caches;
  timing: Timing;
}

/** State of one run. */
export interface Run extends TaskRunnerOptions {
  app: App;
  /** User of the task, if not the agent's own. */
  user: User | undefined;
  workspace: Workspace;
  files: TaskFiles;
  hostKeys: HostKeys;
  programs: TaskPrograms;
  limit: TimeLimit;
  /** Aborts when the task is to end, for any cause. */
  end: AbortSignal;
  say(text: string): Promise<void>;
  /** Host keys that programs of the task accept, filled during the run. */
  hosts: SshHosts[];
  /** Filled during the run. */
  result: Pick<TaskResult, 'commit' | 'hosts'>;
  /** True while git fetches the repository, for the reason of a time limit. */
  isFetching: boolean;
}

/** Time to read the results that a task left. */
export const readResultsMs = 5000;

/** Environment of all programs: only PATH of the agent's own. The template's variables take precedence. */
export const baseEnvironment = ({ payload, workspace, path, user }: Run): Record<string, string> => ({
  PATH: path,
  HOME: workspace.home,
  TMPDIR: workspace.temporary,
  LANG: 'C.UTF-8',
  ...(user && { USER: user.name, LOGNAME: user.name }),
  REVEILLE_PROJECT_ID: payload.projectId,
  REVEILLE_TASK_ID: payload.taskId,
  REVEILLE_ATTEMPT: String(payload.attempt),
  REVEILLE_TEMPLATE_NAME: payload.templateName,
});

/**
 * Returns the variables of the project's environment with its secrets. It writes the secrets that a task
 * wants as files: each variable holds the path of its file.
 */
export const writeVariables = async (
  { payload }: Run,
  files: OwnedFiles,
  isWanted: (name: string) => boolean = () => true,
): Promise<Record<string, string>> => {
  const paths: Record<string, string> = {};
  for (const [name, value] of Object.entries(payload.secretFiles ?? {})) {
    if (isWanted(name)) paths[name] = await files.writePrivate(`secret-${name}`, value);
  }
  return { ...payload.variables, ...payload.secrets, ...paths };
};

/** Keeps the keys of hosts that programs accepted, read as the user of the file. */
export const learnHosts = async (run: Run, { copy }: SshHosts, files = run.files): Promise<void> => {
  if (copy === undefined) return;
  const reading = createTimeLimit(readResultsMs, run.timing);
  const seen = await files.read(copy, maxHostKeysBytes, reading.signal);
  reading.clear();
  await run.hostKeys.learn(seen ?? '');
};
