/** What can go wrong, each with a sentence for who sits before the terminal and an exit code for who wrote a script. */
import type { Problem } from '../protocol/problem.ts';

/** Apart from a task's own, these are the exit codes. The numbers are those of sysexits.h where it has one. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  /** The command line, or what it asks for, is wrong. */
  usage: 64,
  /** There is no such project, template, task or runner. */
  notFound: 66,
  /** The control plane does not answer. */
  unreachable: 69,
  /** Not signed in, or not allowed. */
  notAllowed: 77,
  /** Ctrl-C, as a shell tells it. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Ends the command with a message. */
export class CliError extends Error {
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}

const exitCodeOf = (status: number): ExitCode => {
  if (status === 401 || status === 403) return exitCodes.notAllowed;
  if (status === 404) return exitCodes.notFound;
  if (status === 400 || status === 422) return exitCodes.usage;
  return status >= 500 || status === 0 ? exitCodes.unreachable : exitCodes.failed;
};

/** What to do, where the API cannot know it. */
const adviceFor = ({ status, code }: Pick<Problem, 'status' | 'code'>): string => {
  if (status === 401 && code === 'unauthenticated') return '\nSign in: reveille login';
  return status === 403 ? '\nSee what you may do: reveille whoami' : '';
};

/** The API refused. */
export class ApiProblem extends CliError {
  readonly status: number;
  readonly code: string;
  constructor(problem: Pick<Problem, 'status' | 'code' | 'detail' | 'errors'>) {
    const fields = (problem.errors ?? []).map(({ path, message }) => `\n  ${path} ${message}`).join('');
    super(exitCodeOf(problem.status), `${problem.detail}${fields}${adviceFor(problem)}`);
    this.name = 'ApiProblem';
    this.status = problem.status;
    this.code = problem.code;
  }
}

/** Whether asking again may help: nobody answered, or somebody was too busy to. */
export const isPassing = (error: unknown): boolean =>
  error instanceof ApiProblem && (error.status === 0 || error.status === 429 || error.status >= 500);

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
