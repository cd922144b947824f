/**
 * The demo: the whole trip on this machine. Tasks wake stopped instances by tag, run real scripts in the real
 * agent, and the instances stop again. Prints each event, then each log's tail, the bill, and one JSON line.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type LocalStack, startStack } from '../../local/stack.ts';
import {
  hasEnded,
  msBetween,
  type ProjectId,
  type RunnerId,
  type Task,
  type TaskId,
} from '../../protocol/index.ts';
import { apiClient, installAgent, until } from '../client.ts';
import { median } from '../median.ts';
import { demoTasks, type Plan } from './plan.ts';
import { rideOut } from './ride-out.ts';
import { makeTimeline } from './timeline.ts';

/** Delays that keep the demo short; EC2's own are longer (about 16 s to running). */
const delays = { pendingMs: 1500, bootMs: 500, stoppingMs: 1000 };
const taskTimeoutMs = 60_000;

const dollars = (microUsd: number): string => `$${(microUsd / 1e6).toFixed(6)}`;
const ended = (task: Task): boolean => hasEnded(task.status);

/** Runs the demo; returns its exit code, 0 when everything is as promised. */
export const demo = async (): Promise<number> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'reveille-demo-'));
  const stack = await startStack({ dataDir, delays });
  try {
    return await run(stack);
  } finally {
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
};

const run = async (stack: LocalStack): Promise<number> => {
  const api = apiClient(stack.url, stack.adminToken ?? '', rideOut(fetch, delay));
  const instanceOf = new Map<RunnerId, string>();
  const nameOf = new Map<string, string>();

  const addRunner = async (
    projectId: ProjectId | undefined,
    name: string,
    tags: string[],
  ): Promise<RunnerId> => {
    const instanceId = stack.ec2.createStoppedInstance({ instanceType: 't4g.small' });
    const made = await api.createRunner(projectId, {
      name,
      tags,
      instanceId,
      maxParallelTasks: 1,
      idleTimeoutMs: 0,
    });
    installAgent(stack.ec2.diskOf(instanceId), made);
    instanceOf.set(made.runner.id, instanceId);
    nameOf.set(made.runner.id, name);
    nameOf.set(instanceId, `${instanceId} (${name})`);
    return made.runner.id;
  };

  const plan: Plan = await demoTasks(api, addRunner);
  console.log(`${instanceOf.size} runners in 2 projects, all asleep. Starting ${plan.length} tasks.\n`);

  const timeline = makeTimeline(console.log);
  const lookAtInstances = () => {
    for (const { id, state } of stack.ec2.list()) {
      const name = nameOf.get(id);
      if (name) timeline.see(`instance ${name}`, state);
    }
  };
  const watching = setInterval(lookAtInstances, 50);
  const runs: { plan: Plan[number]; id: TaskId }[] = [];
  for (const step of plan) {
    const task = await api.startTask(step.projectId, step.templateId);
    nameOf.set(task.id, step.label);
    timeline.see(`task ${step.label}`, 'waiting');
    runs.push({ plan: step, id: task.id });
  }

  const lookAtTasks = async (): Promise<Task[]> => {
    const tasks = await Promise.all(runs.map(({ plan, id }) => api.getTask(plan.projectId, id)));
    for (const task of tasks) {
      const where = task.runnerId && task.status !== 'waiting' ? ` on ${nameOf.get(task.runnerId)}` : '';
      timeline.see(`task ${nameOf.get(task.id)}`, `${task.status}${where}`);
    }
    return tasks;
  };
  const tasks = await until('every task has ended', taskTimeoutMs, async () => {
    const seen = await lookAtTasks();
    return seen.every(ended) && seen;
  });
  const isAsleep = () =>
    stack.ec2
      .list()
      .filter(({ id }) => nameOf.has(id))
      .every(({ state }) => state === 'stopped');
  await until('every instance has stopped', 30_000, isAsleep).catch((error: unknown) =>
    console.error(String(error)),
  );
  clearInterval(watching);
  lookAtInstances();

  let wrongRunner = 0;
  for (const [index, { plan, id }] of runs.entries()) {
    const task = tasks[index];
    const text = (await api.readLog(plan.projectId, id)).map((entry) => entry.text).join('');
    const allowed = plan.allowed.includes(task?.runnerId ?? 'run_');
    // Each script prints its working folder, which is on the disk of the instance that ran it.
    const there = text.includes(instanceOf.get(task?.runnerId ?? 'run_') ?? 'nowhere');
    if (!allowed || !there) wrongRunner++;
    console.log(`\n── ${plan.label} · ${task?.status} on ${nameOf.get(task?.runnerId ?? '')}`);
    console.log(
      text
        .trimEnd()
        .split('\n')
        .slice(-6)
        .map((line) => `   ${line}`)
        .join('\n'),
    );
  }

  const bills = await Promise.all([...new Set(plan.map(({ projectId }) => projectId))].map(api.getCosts));
  const total = (pick: (bill: (typeof bills)[number]) => number) =>
    bills.reduce((sum, bill) => sum + pick(bill), 0);
  const spent = total((bill) => bill.spentMicroUsd);
  const alwaysOn = total((bill) => bill.alwaysOnMicroUsd);
  console.log(
    `\nCost: ${dollars(spent)} for the instances (each start bills 60 s at least); always on they would cost ` +
      `${dollars(instanceOf.size * 24 * 16_800)} a day. In these seconds: ${dollars(alwaysOn)} always on.`,
  );

  const succeeded = tasks.filter(({ status }) => status === 'success').length;
  const sessions = bills.flatMap((bill) => bill.sessions);
  const result = {
    tasks: tasks.length,
    succeeded,
    failed: tasks.length - succeeded,
    wrongRunner,
    instancesStarted: sessions.length,
    instancesStillRunning: stack.ec2.list().filter(({ state }) => state !== 'stopped').length,
    medianQueueToRunningMs: median(
      tasks.map(({ createdAt, startedAt }) => (startedAt ? msBetween(createdAt, startedAt) : 0)),
    ),
    billedSeconds: sessions.reduce((sum, session) => sum + session.billedSeconds, 0),
    alwaysOnSeconds: total((bill) => bill.runners.reduce((sum, row) => sum + row.alwaysOnSeconds, 0)),
  };
  console.log(JSON.stringify(result));
  const isAsPromised =
    result.failed === 0 &&
    result.wrongRunner === 0 &&
    result.instancesStillRunning === 0 &&
    result.instancesStarted > 0 &&
    result.billedSeconds >= 60 * result.instancesStarted &&
    tasks.every(({ startedAt }) => startedAt !== undefined);
  return isAsPromised ? 0 : 1;
};
