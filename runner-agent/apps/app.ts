/** Interface of an app: the programs that it needs, how to call them, and the meaning of their exit codes. */
import type { TaskPayload } from '../../protocol/agent.ts';
import type { HostResult } from '../../protocol/result.ts';
import type { SshOption } from '../task/ssh.ts';
import type { TaskFiles } from '../task/task-file.ts';
import type { Workspace } from '../task/workspace.ts';

export interface Job {
  payload: TaskPayload;
  workspace: Workspace;
  /** The only way to look at what the task or its repository wrote. */
  files: TaskFiles;
  /** Absolute path of the script or playbook, or of the configuration's folder. */
  script: string;
  /** Path that is searched for programs. The template's PATH takes precedence in the task. */
  path: string;
  /** ssh options that set the accepted host keys. */
  hostKeys: readonly SshOption[];
  /** Variables with which git reaches the task's repository, for programs that fetch from there too. */
  gitEnvironment: Record<string, string>;
  /** Aborts reading the task's files. */
  end: AbortSignal;
}

/** One call of a program. A failed step ends the task. */
export interface Step {
  /** Line that the log shows before the step. */
  title?: string;
  /** Program of this step, if not the app's own. */
  program?: string;
  args: string[];
  /** Variables beyond those of the invocation and the template. */
  environment?: Record<string, string>;
  /** Time within which a person has to confirm the step. */
  confirmWithinMs?: number;
  /** Effect of an exit code: next step, success, or failure. By default, 0 continues and other codes fail. */
  outcome?(exitCode: number): 'next' | 'done' | 'failed';
}

export interface Invocation {
  /** Variables of all steps. The template's environment takes precedence. */
  environment: Record<string, string>;
  /** Variables of all steps that take precedence over the template's environment. */
  answers?: Record<string, string>;
  steps: Step[];
}

export interface App {
  program: string;
  /** Instructions to install the program, for the error when it is missing. */
  install: string;
  /** File name of an inline script. */
  inlineName: string;
  /** Writes the files that the programs need, and returns how to call them. */
  prepare(job: Job): Promise<Invocation>;
  /** Explains the exit code of a failed step in a sentence. */
  explain(exitCode: number, step: Step): string;
  /** Reads the result on each host, if the program wrote it. */
  readHosts?(job: Job): Promise<HostResult[] | undefined>;
}
