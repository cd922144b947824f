/**
 * `npm run bench:burst`: bursts of work, and what the control plane asks of AWS for them. Part `starts`: many
 * runners are woken in the same second, by the real flows and store, on the EC2 stand-in with EC2's token
 * buckets. Exits with 1 when a gate fails.
 */
import { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { benchStarts, type StartsFigures } from './starts.ts';

const { starts } = new Command('npm run bench:burst --')
  .description('Wakes many runners at once, and counts the calls of StartInstances.')
  .option(
    '--starts <numbers...>',
    'how many runners are woken at once, a run for each',
    (text: string, before: readonly number[] | undefined) => [...(before ?? []), wholeNumber(1)(text)],
  )
  .parse()
  .opts<{ starts?: readonly number[] }>();

/** Maximum calls of StartInstances, throttled ones included, by the number of starts. */
const gates = new Map([
  [200, 12],
  [500, 20],
]);

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

const print = (figures: StartsFigures): boolean => {
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

let isGood = true;
for (const count of starts ?? [...gates.keys()]) {
  isGood = print(await benchStarts(count)) && isGood;
}
process.exitCode = isGood ? 0 : 1;
