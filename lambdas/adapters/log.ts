/** Log of the functions. Each line names its level: an alarm counts errors (infra/observability.ts). */
export type LogLine = (message: string, about: Readonly<Record<string, unknown>>) => void;

export interface Log {
  readonly info: LogLine;
  /** Worth a look, though not an error of the stack, or one that is repaired without a person. */
  readonly warn: LogLine;
  readonly error: LogLine;
}

/** Log whose lines of all levels go to `write`. */
export const logTo = (write: LogLine): Log => ({ info: write, warn: write, error: write });
