/** Entry of the command line `reveille`. */
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommanderError } from 'commander';
import { version } from '../protocol/version.ts';
import { parseEnvironment } from './environment.ts';
import { CliError, exitCodes, messageOf } from './errors.ts';
import { createProgram } from './program.ts';
import type { Output, Terminal } from './terminal.ts';

/** Ends quietly when the reader of the output goes first, as `head` does. */
const endOnClosedPipe = (stream: NodeJS.WriteStream): void => {
  stream.on('error', (error) => {
    process.exit('code' in error && error.code === 'EPIPE' ? exitCodes.ok : exitCodes.failed);
  });
};

const outputTo = (stream: NodeJS.WriteStream): Output => ({
  isTerminal: stream.isTTY === true,
  write: async (shown) => {
    if (shown !== '' && !stream.write(shown)) await once(stream, 'drain');
  },
});

const terminal: Terminal = {
  out: outputTo(process.stdout),
  err: outputTo(process.stderr),
  canAsk: process.stdin.isTTY === true && process.stderr.isTTY === true,
  readAll: () => text(process.stdin),
  onInterrupt: (act) => {
    process.on('SIGINT', act);
    process.on('SIGTERM', act);
    return () => {
      process.off('SIGINT', act);
      process.off('SIGTERM', act);
    };
  },
  now: Date.now,
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
};

/** Returns the exit code for an error; commander has already printed its own errors. */
const exitCodeOf = (error: unknown): number => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  process.stderr.write(`reveille: ${messageOf(error)}\n`);
  if (error instanceof CliError) return error.exitCode;
  // Ctrl-C at a question of @inquirer/prompts.
  return error instanceof Error && error.name === 'ExitPromptError'
    ? exitCodes.interrupted
    : exitCodes.failed;
};

endOnClosedPipe(process.stdout);
endOnClosedPipe(process.stderr);
try {
  const program = createProgram({
    version,
    env: parseEnvironment(process.env),
    terminal,
    fetch,
    exitWith: (code) => {
      process.exitCode = code;
    },
  });
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
