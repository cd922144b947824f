/**
 * `npm run soak`: the stack on one machine with real agents, under faults and kills; checks each promise at
 * the end.
 */
import { Command } from 'commander';
import { notNegative, share, wholeNumber } from '../arguments.ts';
import { soak } from './soak.ts';

const program = new Command('npm run soak --')
  .description('Runs short tasks on six runners, with faults in AWS calls and kill -9 of agents and workers.')
  .option('--minutes <number>', 'how long tasks come in', notNegative, 5)
  .option('--tasks <number>', 'how many, spread over the time (60 a minute unless told)', wholeNumber(1))
  .option('--faults <share>', 'of all AWS calls', share, 0.1)
  .option('--kill-seconds <number>', 'between two kills, on average; 0 = none', notNegative, 4)
  .option(
    '--reconcile-seconds <number>',
    'reconcile so often beside the schedule of each minute; 0 = no',
    notNegative,
    0,
  )
  .option(
    '--seed <number>',
    'of what is drawn; the timing of a run is not repeatable',
    wholeNumber(0),
    Date.now() % 100_000,
  )
  .parse();
const flags = program.opts<{
  minutes: number;
  tasks?: number;
  faults: number;
  killSeconds: number;
  reconcileSeconds: number;
  seed: number;
}>();

const { report, violations } = await soak({ ...flags, tasks: flags.tasks ?? Math.round(60 * flags.minutes) });
console.log(report);
if (violations.length > 0) {
  console.error(`\n${violations.length} violations\n\n${violations.join('\n\n')}`);
  process.exitCode = 1;
}
