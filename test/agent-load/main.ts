/**
 * `npm run test:agent-load`: the bundled agent against the whole stack under load and faults. Prints figures.
 * Fails when a line or a task is lost, a task runs twice, a process stays behind, or the agent uses 150 MiB.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { seeded } from '../../local/seeded.ts';
import { notNegative, wholeNumber } from '../arguments.ts';
import { openFixture } from './fixture.ts';
import { killAtRandom } from './kills.ts';
import { checkIntegrity, type Integrity, manyLines, oneLongLine } from './log-integrity.ts';

const flags = new Command('npm run test:agent-load --')
  .description(
    'Long logs through a faulty network, and kill -9 of agents: nothing is lost, and nothing stays behind.',
  )
  .option('--lines <number>', 'of each long log', wholeNumber(1), 1_000_000)
  .option('--kills <number>', 'of agents at work', wholeNumber(0), 50)
  .option('--seed <number>', 'of what is drawn', wholeNumber(0), 1)
  .option('--outage <seconds>', 'how long the API is away', notNegative, 30)
  .parse()
  .opts<{ lines: number; kills: number; seed: number; outage: number }>();
const output = manyLines(flags.lines);
const maxPeakMiB = 150;

const random = seeded(flags.seed);
const fixture = await openFixture(random);
const failures: string[] = [];
try {
  const { proxy } = fixture;
  const show = (found: Integrity) => {
    const { name, lines, seconds, linesPerSecond, peakMiB, isWhole, calls, failedCalls } = found;
    console.log(
      `${name.padEnd(12)} ${lines} line${lines === 1 ? '' : 's'} in ${seconds.toFixed(1)} s (${linesPerSecond} lines/s), agent's peak ${peakMiB} MiB, ` +
        `${calls} calls of which ${failedCalls} failed: ${isWhole ? 'complete and in order' : 'NOT COMPLETE'}`,
    );
    if (!isWhole) failures.push(`${name}: the log is not complete`);
    if (peakMiB >= maxPeakMiB) failures.push(`${name}: the agent took ${peakMiB} MiB`);
  };
  show(await checkIntegrity(fixture, 'sound', output, async () => {}));
  show(await checkIntegrity(fixture, 'long-line', oneLongLine, async () => {}));
  proxy.setMode('flaky');
  show(await checkIntegrity(fixture, 'flaky', output, async () => {}));
  proxy.setMode('sound');
  show(
    await checkIntegrity(fixture, 'outage', output, async (afterStart) => {
      await afterStart();
      proxy.setMode('down');
      await sleep(flags.outage * 1000);
      proxy.setMode('sound');
    }),
  );
  const kills = await killAtRandom(fixture, flags.kills, random);
  console.log(`kills        ${JSON.stringify(kills)}`);
  if (kills.ended !== kills.kills) failures.push(`${kills.kills - kills.ended} tasks did not succeed`);
  if (kills.doubles > 0) failures.push(`${kills.doubles} tasks ran twice at a time`);
  if (kills.processesLeft + kills.filesLeft > 0) failures.push('processes or files stayed behind');
} finally {
  await fixture.close();
}
for (const failure of failures) console.error(`FAILED: ${failure}`);
process.exit(failures.length > 0 ? 1 : 0);
