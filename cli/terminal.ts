/** Output of the commands, and their access to the outside. */
import type { Environment } from './environment.ts';

/** A stream to write to; `write` resolves when there is room for more. */
export interface Output {
  write(text: string): Promise<void>;
  readonly isTerminal: boolean;
}

export interface Terminal {
  readonly out: Output;
  readonly err: Output;
  /** True if the user can answer questions. */
  readonly canAsk: boolean;
  /** Reads all of standard input. */
  readAll(): Promise<string>;
  /** Calls `act` at each Ctrl-C instead of ending the command; returns a function that stops this. */
  onInterrupt(act: () => void): () => void;
  readonly now: () => number;
  /** Resolves early when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Dims the text where the output supports it. */
export const dimmed = (output: Output, env: Pick<Environment, 'NO_COLOR'>, text: string): string =>
  output.isTerminal && !env.NO_COLOR ? `\u001b[2m${text}\u001b[22m` : text;
