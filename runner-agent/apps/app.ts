/** What an app is to the agent: which programs it needs, how they are called, and what their exit says. */
import type { TaskPayload } from '../../protocol/agent.ts';
import type { HostResult } from '../../protocol/result.ts';
import type { Workspace } from '../task/workspace.ts';

export interface Job {
  payload: TaskPayload;
  workspace: Workspace;
  /** The script or playbook, or the folder of the configuration; absolute. */
  script: string;
  /** Options of ssh that say which host keys to accept. */
  sshOptions: string;
  /** What git needs to reach the task's repository, for a program that fetches more of the like. */
  gitEnvironment: Record<string, string>;
  /** Ends the wait for what the task has to be read from. */
  end: AbortSignal;
}

/** One call of a program. A step that fails ends the task. */
export interface Step {
  /** What the log says before it. */
  title?: string;
  /** Another program than the app's own. */
  program?: string;
  args: string[];
  /** Beyond the invocation's. */
  environment?: Record<string, string>;
  /** A person has to let it happen, within this time. */
  confirmWithinMs?: number;
  /** Where an exit code leads: to the next step, to the end in success, or in failure. Only 0 goes on unless told. */
  outcome?(exitCode: number): 'next' | 'done' | 'failed';
}

export interface Invocation {
  /** For all steps; what the template's environment sets wins over it. */
  environment: Record<string, string>;
  /** For all steps; wins over the template's environment. */
  answers?: Record<string, string>;
  steps: Step[];
}

export interface App {
  program: string;
  /** How to get the program, for the error when it is missing. */
  install: string;
  /** The name of the file that an inline script is written to. */
  inlineName: string;
  /** Writes the files that the programs need and says how to call them. */
  prepare(job: Job): Promise<Invocation>;
  /** What the exit code of a step that failed means, in a sentence. */
  explain(exitCode: number, step: Step): string;
  /** What was done to each host, when the program has told. */
  readHosts?(job: Job): Promise<HostResult[] | undefined>;
}
