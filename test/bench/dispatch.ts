/**
 * `npm run bench:dispatch`: time from `POST …/tasks` to the first line of output, on an awake runner and with
 * EC2's delays at 0; the AWS requests of each task; and those that follow each other until the task's program
 * starts. Exits with 1 when a task costs more requests than its limit, or when a claim is refused: the runner
 * is idle at each POST.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import type { RequestSpan } from '../../local/gateway/requests.ts';
import { startStack } from '../../local/stack.ts';
import { claimTask, finishTask } from '../../protocol/endpoints/agent.ts';
import { epochMs } from '../../protocol/index.ts';
import { wholeNumber } from '../arguments.ts';
import { apiClient, until } from '../client.ts';
import { chainOf } from './chain.ts';
import { makeHello } from './hello.ts';

const { tasks: count } = new Command('npm run bench:dispatch --')
  .description('How long a task waits on a runner that is awake, and what requests it costs.')
  .option('--tasks <number>', 'how many, one after the other', wholeNumber(1), 200)
  .parse()
  .opts<{ tasks: number }>();
const warmUp = 20;
/** Maximum requests of a task. Calls that come by the clock, such as heartbeats, add some hundredths. */
const mostRequests = 19.5;
/** Maximum AWS calls that follow each other from the POST to the start of the program. */
const mostInChain = 8;

const percentile = (numbers: readonly number[], part: number): number =>
  [...numbers].sort((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * part))] ?? 0;

const actorOf = ({ principal }: RequestSpan): string => (principal.startsWith('run_') ? 'agent' : principal);
const nameOf = (span: RequestSpan): string =>
  `${actorOf(span).padEnd(12)} ${span.service} ${span.route ?? span.operation}`;

const dataDir = mkdtempSync(join(tmpdir(), 'reveille-bench-'));
let spans: RequestSpan[] = [];
const stack = await startStack({ dataDir, onRequest: (span) => spans.push(span) });
try {
  const api = apiClient(stack.url, stack.adminToken ?? '');
  const { projectId, templateId, runnerId } = await makeHello(stack, api, 'warm');

  const answered = ({ method, path }: { method: string; path: string }) =>
    spans.filter(({ route }) => route === `${method.toUpperCase()} ${path}`).length;
  const isIdle = async () => (await api.getRunner(projectId, runnerId)).slots.length === 0;
  const runOne = async () => {
    const from = spans.length;
    const before = answered(finishTask);
    const startedMs = Date.now();
    const { id } = await api.startTask(projectId, templateId);
    const answeredMs = Date.now();
    // Its report is a task's last step, and waiting for it here sends no request to the stack.
    await until('the task has finished', 30_000, () => answered(finishTask) > before);
    return { id, startedMs, answeredMs, own: spans.slice(from) };
  };

  for (let n = 0; n < warmUp; n++) await runOne();
  await until('the runner is idle', 10_000, isIdle);
  stack.resetRequests();
  spans = [];
  const runs: Awaited<ReturnType<typeof runOne>>[] = [];
  for (let n = 0; n < count; n++) runs.push(await runOne());
  const requests = stack.requests();
  const claims = answered(claimTask);

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

  const chains = runs.map(({ own }) => chainOf(own));
  // By a caller whose token was not remembered, one more.
  const usualCalls = percentile(
    chains.map(({ length }) => length),
    0.5,
  );
  const usual = latencies.indexOf(percentile(latencies, 0.5));
  const chain = chains[usual] ?? [];
  console.log(`\nOne after the other, from the POST to the start of the program: ${usualCalls} AWS calls`);
  for (const span of chain) {
    const [from, to] = [span.startMs, span.endMs].map((ms) =>
      Math.max(0, ms - (runs[usual]?.startedMs ?? 0)).toFixed(1),
    );
    console.log(`${nameOf(span).padEnd(44)} ${from?.padStart(6)} to ${to?.padStart(6)} ms`);
  }

  console.log('\nRequests per task');
  const byCall = new Map<string, number>();
  for (const { principal, service, operation, count: times } of requests) {
    const actor = principal.startsWith('run_') ? 'agent' : principal;
    const name = `${actor.padEnd(12)} ${service} ${operation}`;
    byCall.set(name, (byCall.get(name) ?? 0) + times);
  }
  for (const [name, times] of [...byCall].sort(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`${name.padEnd(44)} ${(times / count).toFixed(2).padStart(6)}`);
  const total = requests.reduce(
    (sum, { service, count: times }) => sum + (service === 'apigateway' ? 0 : times),
    0,
  );
  const perTask = total / count;
  console.log(`${'all AWS requests'.padEnd(44)} ${perTask.toFixed(2).padStart(6)}   (API Gateway apart)`);
  console.log(
    JSON.stringify({
      tasks: count,
      medianMs: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
      requestsPerTask: Number(perTask.toFixed(2)),
      callsInChain: usualCalls,
    }),
  );
  const refused = claims - count;
  if (refused > 0) console.error(`${refused} claims were refused, on a runner that was idle.`);
  if (perTask > mostRequests) console.error(`A task costs more than ${mostRequests} requests.`);
  if (usualCalls > mostInChain) console.error(`More than ${mostInChain} calls follow each other.`);
  if (refused > 0 || perTask > mostRequests || usualCalls > mostInChain) process.exitCode = 1;
} finally {
  await stack.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
