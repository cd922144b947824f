/** Compares a task's output with the user's log: complete and in order despite faults of the API. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { until } from '../client.ts';
import type { Fixture } from './fixture.ts';

const hash = (text: string) => createHash('sha256').update(text).digest('hex');

export interface Output {
  readonly lines: number;
  /** Shell command that prints the output. */
  readonly command: string;
  /** First characters of the output. */
  readonly first: string;
}

/** Lines of about 100 bytes: a million are about 100 MB. */
export const manyLines = (lines: number): Output => ({
  lines,
  command: `seq 1 ${lines} | awk '{ printf "%08d host-%02d TASK [web : restart service %d] ok changed=%d rc=0 elapsed=%d.%03d s unreachable=0\\n", $1, $1 % 17, $1 % 89, $1 % 3, $1 % 60, $1 % 997 }'`,
  first: '00000001 ',
});

/** One line of 10 MB. */
export const oneLongLine: Output = {
  lines: 1,
  command: `(printf 'BEGIN '; seq 1 2000000 | tr '\\n' ' ' | head -c 10000000; echo)`,
  first: 'BEGIN ',
};

export interface Integrity {
  readonly name: string;
  readonly lines: number;
  readonly seconds: number;
  readonly linesPerSecond: number;
  readonly peakMiB: number;
  readonly isWhole: boolean;
  readonly calls: number;
  readonly failedCalls: number;
}

export const checkIntegrity = async (
  fixture: Fixture,
  name: string,
  { lines, command, first }: Output,
  disturb: (afterStart: () => Promise<void>) => Promise<void>,
): Promise<Integrity> => {
  const { api, proxy, projectId } = fixture;
  const runner = await fixture.addRunner(name);
  const agent = runner.start();
  await runner.isOnline();
  const file = `${fixture.folder}/${name}.txt`;
  const templateId = await fixture.addTemplate({ tag: name, script: `${command} | tee ${file}` });
  const before = proxy.counts();
  const startedAt = Date.now();
  const { id } = await api.startTask(projectId, templateId);
  const isRunning = async () => {
    await until('it runs', 60_000, async () => (await api.getTask(projectId, id)).status === 'running');
  };
  const disturbed = disturb(isRunning);
  const task = await fixture.ended(id, 300_000);
  const seconds = (Date.now() - startedAt) / 1000;
  await disturbed;
  const peakMiB = agent.peakMiB();
  await agent.end('SIGTERM');
  const after = proxy.counts();
  const text = await fixture.downloadLog(id);
  // The runner's own messages come before the first line.
  const output = text.slice(text.indexOf(first));
  return {
    name,
    lines,
    seconds,
    linesPerSecond: Math.round(lines / seconds),
    peakMiB: Math.round(peakMiB),
    isWhole: task.status === 'success' && hash(output) === hash(readFileSync(file, 'utf8')),
    calls: after.calls - before.calls,
    failedCalls: after.failed - before.failed,
  };
};
