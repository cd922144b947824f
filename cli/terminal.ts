/** Where the commands write, and what they know of the world. */
import type { Environment } from './environment.ts';

/** A stream to write to; `write` resolves when there is room for more. */
export interface Output {
  write(text: string): Promise<void>;
  readonly isTerminal: boolean;
}

export interface Terminal {
  readonly out: Output;
  readonly err: Output;
  /** Whether somebody can be asked. */
  readonly canAsk: boolean;
  /** All that comes on standard input. */
  readAll(): Promise<string>;
  /** Calls `act` at each Ctrl-C, in place of ending the command; returns the end of that. */
  onInterrupt(act: () => void): () => void;
  readonly now: () => number;
  /** Resolves early when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Dimmed where that can be seen. */
export const dimmed = (output: Output, env: Pick<Environment, 'NO_COLOR'>, text: string): string =>
  output.isTerminal && !env.NO_COLOR ? `\u001b[2m${text}\u001b[22m` : text;
