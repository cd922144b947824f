/** `npm run bench:agent`: size and speed of the agent. Prints figures without a verdict. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { openFixture } from '../agent-load/fixture.ts';
import { checkIntegrity, manyLines } from '../agent-load/log-integrity.ts';
import { until } from '../client.ts';
import { median } from '../median.ts';

const starts = 9;
const idleMs = 10_000;
const lines = 300_000;

new Command('npm run bench:agent').description('What the agent weighs, and how fast it is.').parse();

const setting = await openFixture(Math.random);
try {
  const bundle = join(import.meta.dirname, '../../dist/runner-agent/reveille-runner.mjs');
  const bundleKiB = Math.round(statSync(bundle).size / 1024);

  const runner = await setting.addRunner('bench');
  const polls = () =>
    setting.stack
      .requests()
      .filter(({ principal, operation }) => principal.startsWith('run_') && operation === 'ReceiveMessage')
      .reduce((sum, { count }) => sum + count, 0);
  const firstPolls: number[] = [];
  for (let n = 0; n < starts; n++) {
    const before = polls();
    const startedAt = performance.now();
    const agent = runner.start();
    const deadline = startedAt + 10_000;
    while (polls() === before && performance.now() < deadline) await sleep(1);
    firstPolls.push(performance.now() - startedAt);
    await until('it is known', 10_000, () => agent.said().includes('Online'));
    await agent.end('SIGTERM');
  }

  const idle = runner.start();
  await until('it is online', 10_000, () => idle.said().includes('Online'));
  await sleep(idleMs);
  const idleMiB = Math.round(idle.residentMiB());
  await idle.end('SIGTERM');

  const { linesPerSecond, peakMiB } = await checkIntegrity(
    setting,
    'lines',
    manyLines(lines),
    async () => {},
  );

  const row = (name: string, value: string, goal = '') =>
    console.log(`${name.padEnd(28)} ${value.padStart(14)}   ${goal}`);
  row('bundle', `${bundleKiB} KiB`, 'goal: under 1 MB');
  row(
    'start to first poll',
    `${Math.round(median(firstPolls))} ms`,
    `goal: under 200 ms; median of ${starts}`,
  );
  row('idle memory', `${idleMiB} MiB`, 'goal: under 70 MB');
  row('lines a second', String(linesPerSecond), `${lines} lines of 100 bytes; peak ${peakMiB} MiB`);
  console.log(
    JSON.stringify({
      bundleKiB,
      firstPollMs: Math.round(median(firstPolls)),
      idleMiB,
      linesPerSecond,
      peakMiB,
    }),
  );
} finally {
  await setting.close();
}
