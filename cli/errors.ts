/** Errors of the command line, each with a sentence for people and an exit code for scripts. */
import type { Problem } from '../protocol/problem.ts';

/** Exit codes apart from a task's own, with the numbers of sysexits.h where it has one. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  /** Wrong command line or arguments. */
  usage: 64,
  /** Unknown project, template, task or runner. */
  notFound: 66,
  /** The control plane does not answer. */
  unreachable: 69,
  /** Not signed in, or not allowed. */
  notAllowed: 77,
  /** Ctrl-C, with the code that shells use. */
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

/** Advice that the API itself cannot give. */
const adviceFor = ({ status, code }: Pick<Problem, 'status' | 'code'>): string => {
  if (status === 401 && code === 'unauthenticated') return '\nSign in: reveille login';
  return status === 403 ? '\nSee what you may do: reveille whoami' : '';
};

/** Error answer of the API. */
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

/** Returns true if a retry may help: no answer, or an overloaded server. */
export const isPassing = (error: unknown): boolean =>
  error instanceof ApiProblem && (error.status === 0 || error.status === 429 || error.status >= 500);

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
