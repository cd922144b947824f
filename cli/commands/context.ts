/** Context and shared helpers of the commands. */
import { type Command, InvalidArgumentError } from 'commander';
import type { Environment } from '../environment.ts';
import type { Session } from '../session.ts';
import type { Store } from '../store.ts';
import type { Terminal } from '../terminal.ts';
import { startTable } from '../text.ts';

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

/** Parses a whole number within bounds. */
export const whole =
  (least: number, most: number) =>
  (text: string): number => {
    const count = Number(text);
    if (Number.isInteger(count) && count >= least && count <= most) return count;
    throw new InvalidArgumentError(`It must be ${least} to ${most}.`);
  };

/** Options of a list. */
export interface ListFlags extends JsonFlag, ProjectFlag {
  readonly limit?: number;
  readonly search?: string;
}

/** `limit` is the number of items unless told; without it, all. */
export const withList = (command: Command, searched: string, limit?: number): Command =>
  withJson(withProject(command))
    .option('-n, --limit <number>', 'at most that many', whole(1, 100_000), limit)
    .option('--search <text>', `only with this text in the ${searched}`);

/** Prints a list while its pages are read: a JSON array for programs, a table for people. */
export const printList = async <T>(
  { terminal }: Pick<CommandContext, 'terminal'>,
  { json }: JsonFlag,
  pages: AsyncIterable<readonly T[]>,
  rowOf: (item: T) => Readonly<Record<string, string>>,
): Promise<void> => {
  const { out } = terminal;
  const rowsOf = startTable();
  let isEmpty = true;
  for await (const page of pages) {
    if (!json) await out.write(rowsOf(page.map(rowOf)));
    for (const item of json ? page : []) {
      const shown = JSON.stringify(item, undefined, 2).replaceAll('\n', '\n  ');
      await out.write(`${isEmpty ? '[' : ','}\n  ${shown}`);
      isEmpty = false;
    }
  }
  if (json) await out.write(isEmpty ? '[]\n' : '\n]\n');
};
