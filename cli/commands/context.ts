/** Context and shared helpers of the commands. */
import type { Command } from 'commander';
import type { Environment } from '../environment.ts';
import type { Session } from '../session.ts';
import type { Store } from '../store.ts';
import type { Terminal } from '../terminal.ts';

export interface CommandContext {
  readonly env: Environment;
  readonly store: Store;
  readonly terminal: Terminal;
  readonly version: string;
  readonly fetch: typeof fetch;
  /** Reads a text file, or standard input for "-". */
  readonly readText: (path: string) => Promise<string>;
  readonly openSession: () => Promise<Session>;
  /** Ends the command with this exit code once all output is written. */
  readonly exitWith: (code: number) => void;
}

export const withProject = (command: Command): Command =>
  command.option('-p, --project <project>', 'its name or id (default: the chosen one, or the only one)');

export const withJson = (command: Command): Command => command.option('--json', 'print JSON, for programs');

export interface JsonFlag {
  readonly json?: boolean;
}
export interface ProjectFlag {
  readonly project?: string;
}

/** Prints the value as JSON for programs, or with `show` for people. */
export const print = async <T>(
  { terminal }: Pick<CommandContext, 'terminal'>,
  { json }: JsonFlag,
  value: T,
  show: (value: T) => string,
): Promise<void> => terminal.out.write(json ? `${JSON.stringify(value, undefined, 2)}\n` : show(value));
