/**
 * `npm start`: reads the options and prints a first line, then loads the rest, which takes seconds on a slow
 * machine.
 */
import { enableCompileCache } from 'node:module';
import { Command, InvalidArgumentError } from 'commander';
import { compileCache } from './compile-cache.ts';
import { readEnvironment } from './environment.ts';
import type { Flags } from './run.ts';

const wholeNumber = (text: string): number => {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
};

const start = async (flags: Flags): Promise<void> => {
  console.log(
    'Starting Reveille on this machine. The first start builds everything and synthesizes the CDK app, which takes some 10 seconds. Ctrl-C stops it.',
  );
  enableCompileCache(compileCache);
  const { run } = await import('./run.ts');
  await run(flags);
};

const { PORT } = readEnvironment(process.env);
const program = new Command('npm start --')
  .description('Runs Reveille on this machine: the whole stack, with a stand-in for EC2.')
  .option('-p, --port <number>', 'of the API (PORT does the same)', wholeNumber, PORT)
  .option('-d, --data <folder>', 'where tables, instances and logs are kept', '.reveille')
  .option('--pending-ms <ms>', 'how long an instance is pending', wholeNumber, 3000)
  .option('--boot-ms <ms>', 'how long a running instance boots', wholeNumber, 1000)
  .option('--stop-ms <ms>', 'how long an instance is stopping', wholeNumber, 3000)
  .option('--sample', 'make a project with a week of history, in an empty data folder', false)
  .option('-v, --verbose', 'show what functions log', false)
  .action(start);
await program.parseAsync();
