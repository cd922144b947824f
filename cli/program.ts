/** The command line `reveille`. */
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import type { CommandContext } from './commands/context.ts';
import { addListCommands } from './commands/lists.ts';
import { addRunnerCommands } from './commands/runners.ts';
import { addSignInCommands } from './commands/sign-in.ts';
import { addTaskCommands } from './commands/tasks.ts';
import type { Environment } from './environment.ts';
import { CliError, exitCodes, messageOf } from './errors.ts';
import { openSession } from './session.ts';
import { configPathIn, createStore } from './store.ts';
import type { Terminal } from './terminal.ts';

export interface ProgramOptions {
  readonly version: string;
  readonly env: Environment;
  readonly terminal: Terminal;
  readonly fetch: typeof fetch;
  readonly exitWith: (code: number) => void;
}

const help = `
Environment:
  REVEILLE_URL, REVEILLE_TOKEN   the stack and an API token, instead of a sign-in
  REVEILLE_PROJECT               name or id of the project that commands are about
  NO_COLOR                       no colours

Exit codes: 0 all is well; with --follow, the exit code of the task (1 when it failed without one). Of the command itself:
1 refused or failed, 64 wrong command line or input, 66 no such thing, 69 the stack does not answer, 77 not signed in or not
allowed, 130 Ctrl-C.

Examples:
  reveille login
  reveille template list
  reveille task run Deploy --follow
  reveille task logs last
  reveille runner list --json`;

export const createProgram = ({ version, env, terminal, fetch, exitWith }: ProgramOptions): Command => {
  const store = createStore(configPathIn(env));
  const readText = async (path: string): Promise<string> => {
    if (path === '-') return terminal.readAll();
    return readFile(path, 'utf8').catch((error: unknown) => {
      throw new CliError(exitCodes.usage, `${path} cannot be read: ${messageOf(error)}`);
    });
  };
  const context: CommandContext = {
    env,
    store,
    terminal,
    version,
    fetch,
    readText,
    exitWith,
    openSession: () => openSession({ env, store, version, fetch }),
  };
  const cli = new Command('reveille')
    .description('Reveille from the terminal: start tasks, read their logs, look after runners.')
    .version(version, '-V, --version')
    .showHelpAfterError('(see --help)')
    .exitOverride()
    .addHelpText('after', help);
  addSignInCommands(cli, context);
  addTaskCommands(cli, context);
  addRunnerCommands(cli, context);
  addListCommands(cli, context);
  return cli;
};
