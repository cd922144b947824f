/**
 * Replays a trace with Reveille's own flows on its own table, in virtual time, and measures the billed time
 * of EC2.
 */
import { idsBetween, type NewId, newId } from '../../lambdas/adapters/ids.ts';
import { projectStore, resourceStores } from '../../lambdas/adapters/resources/resources.ts';
import { type NewRunner, runnerStore } from '../../lambdas/adapters/runners/runners.ts';
import { sessionStore } from '../../lambdas/adapters/runners/sessions.ts';
import type { Table } from '../../lambdas/adapters/table.ts';
import { taskStore } from '../../lambdas/adapters/tasks/tasks.ts';
import { priceSession } from '../../lambdas/core/costs/cost.ts';
import { tablePrices } from '../../lambdas/core/costs/prices.ts';
import { sum } from '../../lambdas/core/costs/sum.ts';
import { type InstanceChange, type ReplayedTask, replay } from '../../local/sample/replay.ts';
import { type ProjectId, projectInput, runnerInput, templateInput, toInstant } from '../../protocol/index.ts';
import { openTestTable } from '../dynamodb.ts';
import type { BilledRun } from './recipe.ts';
import type { TracedTask } from './trace.ts';

/** Time of t = 0 in a trace: a Monday, 00:00 UTC. */
const startMs = Date.parse('2026-01-05T00:00:00Z');
/** Fields that all tasks share. */
const alike = {
  succeeds: true,
  by: 'Trace',
  commit: undefined,
  template: { output: ['Done'], failure: '' },
};

export interface ReplayedTrace {
  /** Runs by the instances' states. */
  readonly runs: readonly BilledRun[];
  /** Billed seconds by Reveille's recorded sessions, each from its launch. */
  readonly recordedSeconds: number;
}

/** Measures runs from the instances' states. */
const watchRuns = () => {
  const on = new Map<string, number>();
  const runs: BilledRun[] = [];
  return {
    runs,
    onInstanceChange: ({ instanceId, state, atMs }: InstanceChange): void => {
      const runningMs = on.get(instanceId);
      if (state === 'running') on.set(instanceId, atMs);
      if (state !== 'stopping' || runningMs === undefined) return;
      runs.push({ runningMs: runningMs - startMs, stoppingMs: atMs - startMs });
      on.delete(instanceId);
    },
    areOff: () => on.size === 0,
  };
};

/**
 * Makes a project with a runner and a template for each tag. The runner takes any number of tasks in
 * parallel.
 */
const setUp = async (table: Table, tasks: readonly TracedTask[], idleTimeoutMs: number | undefined) => {
  const createdAt = toInstant(startMs);
  const makeId: NewId = (prefix, at = createdAt) => newId(prefix, at);
  const deps = { now: () => createdAt, newId: makeId };
  const runners = runnerStore(table);
  const { templates } = resourceStores(table, deps);
  const { id: projectId } = await projectStore(table, deps).create(projectInput.parse({ name: 'Trace' }));
  const made = [];
  const plan: ReplayedTask[] = [];
  for (const [tag, ofTag] of Map.groupBy(tasks, ({ tag }) => tag)) {
    const instanceId = `i-${String(made.length).padStart(8, '0')}`;
    const machine = { instanceId, maxParallelTasks: 0, idleTimeoutMs };
    const runner: NewRunner = {
      ...runnerInput.parse({ name: tag, tags: [tag], ...machine }),
      id: makeId('run'),
      projectId,
      publicKey: '',
      tokenHash: '',
      webhookSecret: '',
      status: 'stopped',
      statusSince: createdAt,
      createdAt,
    };
    await runners.bind(instanceId, runner);
    await runners.create(runner);
    made.push({ id: runner.id, instanceType: 't4g.small' });
    const input = templateInput.parse({ name: tag, app: 'bash', script: 'true', tag });
    const { id: templateId } = await templates.create(projectId, input);
    for (const { arrivalMs, runMs } of ofTag)
      plan.push({ ...alike, startMs: startMs + arrivalMs, runMs, templateId });
  }
  return { projectId, runners: made, plan };
};

/** Reads the table after the replay. */
const readRecords = async (table: Table, projectId: ProjectId) => {
  const [from, to] = [toInstant(startMs), toInstant(startMs + 366 * 86_400_000)];
  const ids = idsBetween('tsk', from, to);
  const tasks = await taskStore(table).listBetween(projectId, ids.from, ids.to);
  const sessions = await sessionStore(table).listReaching(projectId, from, to);
  const recordedSeconds = sum(sessions.map((facts) => priceSession(facts, tablePrices, to).billedSeconds));
  return { succeeded: tasks.filter(({ status }) => status === 'success').length, recordedSeconds };
};

/**
 * Replays the tasks, with the default idle timeout unless one is given. Throws when a task fails or an
 * instance stays on, because the bill would be too small.
 */
export const replayTrace = async (
  tasks: readonly TracedTask[],
  idleTimeoutMs?: number,
): Promise<ReplayedTrace> => {
  const { table, close } = await openTestTable();
  try {
    const { projectId, runners, plan } = await setUp(table, tasks, idleTimeoutMs);
    const { runs, areOff, onInstanceChange } = watchRuns();
    await replay({
      table,
      projectId,
      runners,
      plan,
      apiUrl: 'https://reveille.example',
      region: 'us-east-1',
      agentVersion: '0.1.0',
      onInstanceChange,
    });
    const { succeeded, recordedSeconds } = await readRecords(table, projectId);
    if (succeeded !== tasks.length) throw new Error(`${succeeded} of ${tasks.length} tasks succeeded`);
    if (!areOff()) throw new Error('An instance is still on');
    return { runs, recordedSeconds };
  } finally {
    await close();
  }
};
