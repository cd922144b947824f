/** Errors that the agent distinguishes. */

/** The API refused with a problem document (RFC 9457). */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/** No answer, or an answer that is not from the API. The call can be retried. */
export class ApiUnreachable extends Error {
  override readonly name = 'ApiUnreachable';
}

/** The API does not accept this runner's token or key. A retry would not help. */
export class RunnerRefused extends Error {
  override readonly name = 'RunnerRefused';
}

/** EC2 reclaims this instance. A restarted agent would only claim tasks that it cannot finish. */
export class InstanceReclaimed extends Error {
  override readonly name = 'InstanceReclaimed';
}

/** The user's input (flags, environment, config file) is missing or wrong. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** A task that cannot be prepared. The message is for the task's owner. */
export class TaskError extends Error {
  override readonly name = 'TaskError';
}

export const messageOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause.message || error.cause.name : undefined;
  return cause && !error.message.includes(cause) ? `${error.message} (${cause})` : error.message;
};

/**
 * Returns why a task failed, for people. Node's own errors about an argument quote it
 * (`ERR_INVALID_ARG_VALUE`: "Received '…'") in a form and length that no masker knows, so only their code is
 * returned.
 */
export const failureOf = (error: unknown): string => {
  if (error instanceof TaskError) return error.message;
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = inner instanceof Error && 'code' in inner ? String(inner.code) : '';
  return `The runner failed: ${code.startsWith('ERR_') ? code : messageOf(error)}`;
};
