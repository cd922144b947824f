/**
 * `npm run bench:burst`: bursts of work, and what the control plane asks of AWS for them. Part `starts`: many
 * runners are woken in the same second, by the real flows and store, on the EC2 stand-in with EC2's token
 * buckets. Part `tasks`: many tasks are started at once on the whole local stack, with real agents and the 10
 * concurrent executions of a new AWS account. Exits with 1 when a gate fails.
 */
import { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { benchStarts, type StartsFigures } from './starts.ts';
import { benchTasks, type TasksFigures } from './tasks-burst.ts';

const { starts, tasks, runners } = new Command('npm run bench:burst --')
  .description('Wakes many runners at once, or starts many tasks at once, and counts the calls of AWS.')
  .option(
    '--starts <numbers...>',
    'how many runners are woken at once, a run for each',
    (text: string, before: readonly number[] | undefined) => [...(before ?? []), wholeNumber(1)(text)],
  )
  .option(
    '--tasks <number>',
    'how many tasks are started at once, in place of waking runners',
    wholeNumber(1),
  )
  .option('--runners <number>', 'how many runners these tasks have, of five tags', wholeNumber(1), 50)
  .parse()
  .opts<{ starts?: readonly number[]; tasks?: number; runners: number }>();

/** Maximum calls of StartInstances, throttled ones included, by the number of starts. */
const gates = new Map([
  [200, 12],
  [500, 20],
]);

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

const printStarts = (figures: StartsFigures): boolean => {
  const { count, started, calls, throttled, describes, lastMs, left } = figures;
  const gate = gates.get(count);
  const isGood = started === count && left === 0 && (gate === undefined || calls <= gate);
  console.log(`${count} starts at once${isGood ? '' : '   FAILED'}`);
  console.log(`  started            ${started}, waiting ${left}`);
  console.log(`  StartInstances     ${calls}${gate === undefined ? '' : `   (gate: at most ${gate})`}`);
  console.log(`  throttled          ${throttled}`);
  console.log(`  DescribeInstances  ${describes}`);
  console.log(`  the last after     ${seconds(lastMs)}, beyond EC2's own delays`);
  return isGood;
};

const printTasks = (wanted: number, figures: TasksFigures): boolean => {
  const { posted, refused, ended, wrong, stillOn, startCalls, requestsPerTask, postedMs, endedMs } = figures;
  const isGood = posted === wanted && ended === wanted && wrong.length === 0 && stillOn === 0;
  console.log(`${wanted} tasks at once on ${runners} runners${isGood ? '' : '   FAILED'}`);
  console.log(`  posted             ${posted} after ${seconds(postedMs)}`);
  console.log(`  refused by Lambda  ${refused} calls, all repeated`);
  console.log(`  ended              ${ended} after ${seconds(endedMs)}, ${wrong.length} of them wrong`);
  for (const one of wrong.slice(0, 10)) console.log(`    ${one}`);
  console.log(`  StartInstances     ${startCalls}`);
  console.log(`  AWS requests       ${requestsPerTask.toFixed(1)} a task`);
  console.log(`  still on           ${stillOn}`);
  return isGood;
};

let isGood = true;
if (tasks === undefined)
  for (const count of starts ?? [...gates.keys()]) isGood = printStarts(await benchStarts(count)) && isGood;
else isGood = printTasks(tasks, await benchTasks(tasks, runners));
process.exitCode = isGood ? 0 : 1;
