/**
 * `npm run bench:dispatch`: time from `POST …/tasks` to the first line of output, on an awake runner and with
 * EC2's delays at 0; and the AWS requests of each task. Prints figures without a verdict.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { startStack } from '../../local/stack.ts';
import { epochMs } from '../../protocol/index.ts';
import { wholeNumber } from '../arguments.ts';
import { apiClient, until } from '../client.ts';
import { makeHello } from './hello.ts';

const { tasks: count } = new Command('npm run bench:dispatch --')
  .description('How long a task waits on a runner that is awake, and what requests it costs.')
  .option('--tasks <number>', 'how many, one after the other', wholeNumber(1), 200)
  .parse()
  .opts<{ tasks: number }>();
const warmUp = 20;

const percentile = (numbers: readonly number[], part: number): number =>
  [...numbers].sort((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * part))] ?? 0;

const dataDir = mkdtempSync(join(tmpdir(), 'reveille-bench-'));
const stack = await startStack({ dataDir });
try {
  const api = apiClient(stack.url, stack.adminToken ?? '');
  const { projectId, templateId, runnerId } = await makeHello(stack, api, 'warm');

  const finished = () =>
    stack.requests().find(({ principal, operation }) => principal === 'task-finish' && operation === 'Invoke')
      ?.count ?? 0;
  const isIdle = async () => (await api.getRunner(projectId, runnerId)).slots.length === 0;
  const runOne = async () => {
    const before = finished();
    const startedMs = Date.now();
    const { id } = await api.startTask(projectId, templateId);
    const answeredMs = Date.now();
    // The finish webhook is a task's last step, and waiting for it here sends no request to the stack.
    await until('the task has finished', 30_000, () => finished() > before);
    return { id, startedMs, answeredMs };
  };

  for (let n = 0; n < warmUp; n++) await runOne();
  await until('the runner is idle', 10_000, isIdle);
  stack.resetRequests();
  const runs = [];
  for (let n = 0; n < count; n++) runs.push(await runOne());
  await until('the last slot is free', 10_000, () => finished() === count);
  const requests = stack.requests();

  const latencies = [];
  for (const { id, startedMs } of runs) {
    const first = (await api.readLog(projectId, id)).find(({ stream }) => stream === 'stdout');
    if (!first) throw new Error(`${id} has no output`);
    latencies.push(epochMs(first.at) - startedMs);
  }
  const answers = runs.map(({ startedMs, answeredMs }) => answeredMs - startedMs);

  console.log(`\n${count} tasks, one after the other, on a runner that is awake; EC2 delays 0\n`);
  console.log('                                median      p99');
  const row = (name: string, numbers: readonly number[]) =>
    console.log(
      `${name.padEnd(30)} ${String(percentile(numbers, 0.5)).padStart(4)} ms  ${String(percentile(numbers, 0.99)).padStart(4)} ms`,
    );
  row('POST to first line of output', latencies);
  row('POST to its answer', answers);

  const byCall = new Map<string, number>();
  for (const { service, operation, count: times } of requests) {
    const name = `${service} ${operation}`;
    byCall.set(name, (byCall.get(name) ?? 0) + times);
  }
  console.log('\nRequests per task');
  for (const [name, times] of [...byCall].sort(([a], [b]) => (a < b ? -1 : 1))) {
    console.log(`${name.padEnd(36)} ${(times / count).toFixed(2).padStart(6)}`);
  }
  const isHttp = (name: string) => name.startsWith('apigateway');
  const total = [...byCall].reduce((sum, [name, times]) => sum + (isHttp(name) ? 0 : times), 0);
  console.log(
    `${'all AWS requests'.padEnd(36)} ${(total / count).toFixed(2).padStart(6)}   (goal: at most 25; API Gateway apart)`,
  );
  console.log(
    JSON.stringify({
      tasks: count,
      medianMs: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
      requestsPerTask: Number((total / count).toFixed(2)),
    }),
  );
} finally {
  await stack.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
