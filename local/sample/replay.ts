/**
 * Replays a plan with the real flows and the real table in virtual time, so the product itself writes the
 * history.
 */

import { fleetPlaces } from '../../lambdas/adapters/fleets/fleet-places.ts';
import { newId } from '../../lambdas/adapters/ids.ts';
import { logTo } from '../../lambdas/adapters/log.ts';
import { auditTrail } from '../../lambdas/adapters/people/audit.ts';
import { readForTask, resourceStores } from '../../lambdas/adapters/resources/resources.ts';
import { agentTokens } from '../../lambdas/adapters/runners/agent-tokens.ts';
import type { InstanceFacts, InstanceState } from '../../lambdas/adapters/runners/instance-facts.ts';
import type { StartSoon } from '../../lambdas/adapters/runners/power-requests.ts';
import { poolOf, type RunnerRecord } from '../../lambdas/adapters/runners/runner-record.ts';
import { runnerStore } from '../../lambdas/adapters/runners/runners.ts';
import { sessionStore } from '../../lambdas/adapters/runners/sessions.ts';
import type { InstanceRefs } from '../../lambdas/adapters/runners/start-instances.ts';
import { startQueue } from '../../lambdas/adapters/runners/start-queue.ts';
import { scheduleStore } from '../../lambdas/adapters/schedules/schedules.ts';
import { oneSigningKey } from '../../lambdas/adapters/secrets/signed-tokens.ts';
import type { Table } from '../../lambdas/adapters/table.ts';
import { limitStore } from '../../lambdas/adapters/tasks/limits.ts';
import { lineStore } from '../../lambdas/adapters/tasks/lines.ts';
import { logStore } from '../../lambdas/adapters/tasks/logs.ts';
import { taskStore } from '../../lambdas/adapters/tasks/tasks.ts';
import { circuitStore } from '../../lambdas/adapters/webhooks/circuits.ts';
import { deliveryStore } from '../../lambdas/adapters/webhooks/deliveries.ts';
import { decideSleep } from '../../lambdas/core/runners/idle-policy.ts';
import { heartbeat } from '../../lambdas/flows/runners/heartbeat.ts';
import { followInstance } from '../../lambdas/flows/runners/instance-state.ts';
import { putToSleep, wake } from '../../lambdas/flows/runners/power.ts';
import { runBatches } from '../../lambdas/flows/runners/start-turns.ts';
import { runSchedule } from '../../lambdas/flows/schedules/run-schedule.ts';
import { claimTask } from '../../lambdas/flows/tasks/claim.ts';
import { appendLog, finishTask } from '../../lambdas/flows/tasks/report.ts';
import { startTask } from '../../lambdas/flows/tasks/start-task.ts';
import {
  heartbeatRequest,
  type Instant,
  type LogEntry,
  type ProjectId,
  type RunnerId,
  type ScheduleId,
  type TaskId,
  type TemplateId,
  toInstant,
} from '../../protocol/index.ts';
import { createAgenda } from './agenda.ts';
import type { PlannedTask } from './plan.ts';
import type { SampleTemplate } from './seed-data.ts';

/** Durations of EC2 and an agent, from public measurements of small Linux machines. */
export const runningAfterMs = 14_000;
export const onlineAfterMs = 8_000;
export const stoppedAfterMs = 22_000;
export const claimAfterMs = 150;
const firstLineAfterMs = 600;

/** A past task: its start and its work. */
export interface ReplayedTask extends Omit<PlannedTask, 'template'> {
  readonly templateId: TemplateId;
  readonly template: Pick<SampleTemplate, 'output' | 'failure' | 'hosts'>;
}

/** A change of an instance's state in EC2. */
export interface InstanceChange {
  readonly instanceId: string;
  readonly state: InstanceState;
  readonly atMs: number;
}

export interface ReplayOptions {
  readonly table: Table;
  readonly projectId: ProjectId;
  readonly runners: readonly { readonly id: RunnerId; readonly instanceType: string }[];
  /** Schedule that starts the tasks without `by`. Absent if every task has one. */
  readonly scheduleId?: ScheduleId;
  readonly plan: readonly ReplayedTask[];
  /** URL in deliveries, without a trailing slash. */
  readonly apiUrl: string;
  readonly region: string;
  readonly agentVersion: string;
  readonly onInstanceChange?: (change: InstanceChange) => void;
}

interface Machine {
  readonly state: InstanceState;
  readonly launchedAt: Instant | undefined;
}

/** Replays the plan; resolves when every task has ended and every runner is asleep. */
export const replay = async (options: ReplayOptions): Promise<void> => {
  const { table, projectId, plan } = options;
  const agenda = createAgenda();
  const now = () => toInstant(agenda.nowMs());
  const makeId: typeof newId = (prefix, at = now()) => newId(prefix, at);
  const runners = runnerStore(table);
  const { templates, inventories } = resourceStores(table, { now, newId: makeId });
  const planned = new Map<TaskId, ReplayedTask>();
  const machines = new Map<string, Machine>();
  const become = (instanceId: string, machine: Machine): void => {
    const { state } = machine;
    if (machines.get(instanceId)?.state !== state)
      options.onInstanceChange?.({ instanceId, state, atMs: agenda.nowMs() });
    machines.set(instanceId, machine);
  };
  const typeOf = new Map(options.runners.map(({ id, instanceType }) => [id, instanceType]));

  const reload = async ({ id }: Pick<RunnerRecord, 'id'>): Promise<RunnerRecord> => {
    const found = await runners.get(projectId, id);
    if (!found) throw new Error(`The replay has lost its runner ${id}`);
    return found;
  };
  const factsOf = (runner: Pick<RunnerRecord, 'id' | 'instanceId'>): InstanceFacts => ({
    instanceId: runner.instanceId ?? '',
    instanceType: typeOf.get(runner.id),
    stack: 'Reveille',
    stateReason: undefined,
    ...(machines.get(runner.instanceId ?? '') ?? { state: 'stopped', launchedAt: undefined }),
  });

  const startSoon: StartSoon = (request) => runBatches(deps, request);
  const describe = async (ref: { instanceId?: string }) => {
    const runner = ref.instanceId ? await runners.findByInstance(ref.instanceId) : undefined;
    return runner && factsOf(runner);
  };
  const powerOn = (instanceId: string) => become(instanceId, { state: 'pending', launchedAt: now() });

  const deps = {
    now,
    starts: startQueue(table, now),
    startSoon,
    pause: async () => undefined,
    newId: makeId,
    log: logTo(() => undefined),
    runners,
    tasks: taskStore(table),
    limits: limitStore(table),
    lines: lineStore(table),
    logs: logStore(table, now),
    deliveries: deliveryStore(table),
    circuits: circuitStore(table),
    sessions: sessionStore(table),
    schedules: scheduleStore(table, { now, newId: makeId }),
    audit: auditTrail(table, { now, newId: makeId, retentionDays: 365 }),
    // No agent polls in the past.
    queues: {
      urlOf: (queue: string) => queue,
      create: async () => true,
      remove: async () => undefined,
      ring: async () => true,
    },
    settlePowerSoon: async () => undefined,
    sendWebhook: async () => ({ at: now(), durationMs: 41, statusCode: 204 }),
    retryWebhook: async () => undefined,
    instances: {
      start: async ({ instanceId = '' }: { instanceId?: string }) => {
        powerOn(instanceId);
        return { started: true as const };
      },
      startAll: async ({ instanceIds }: InstanceRefs) => {
        instanceIds.forEach(powerOn);
        return { started: true as const };
      },
      describeAll: async ({ instanceIds }: InstanceRefs) =>
        (await Promise.all(instanceIds.map((instanceId) => describe({ instanceId })))).flatMap(
          (facts) => facts ?? [],
        ),
      stop: async ({ instanceId = '' }: { instanceId?: string }) => {
        become(instanceId, { state: 'stopping', launchedAt: undefined });
        return true;
      },
      describe,
      listAwake: async () => [],
      listImpaired: async () => [],
      // The runners belong to no fleet.
      terminate: async () => false,
      launch: async () => ({ launched: false as const, awsCode: 'unknown_fleet', awsCodes: [], detail: '' }),
      listLaunched: async () => [],
    },
    fleets: [],
    fleetPlaces: fleetPlaces(table, now),
    agentTokens: agentTokens(oneSigningKey(new Uint8Array(32)), now),
    seal: async () => '',
    recordSecretUse: async () => undefined,
    readForTask: (projectId: ProjectId, id: string) => readForTask(table, projectId, id),
    readInventory: (projectId: ProjectId, id: string) => inventories.get(projectId, id),
    readTaskParts: async (task: { projectId: ProjectId; templateId: string }) => {
      const template = await templates.get(task.projectId, task.templateId);
      return template && { template, edits: [] };
    },
    apiUrl: options.apiUrl,
    region: options.region,
  };
  const agentOf = (runner: RunnerRecord) => ({ pool: poolOf(runner), runnerId: runner.id });

  const follow = async (runner: RunnerRecord, state: InstanceState) => {
    const before = machines.get(runner.instanceId ?? '');
    become(runner.instanceId ?? '', { launchedAt: before?.launchedAt, state });
    const facts = { ...factsOf(runner), ...(state === 'running' && { runningAt: now() }) };
    await followInstance(deps, await reload(runner), facts, now());
  };

  /** Boots a runner whose instance was asked to start, then serves the tasks assigned to it. */
  const attend = async (ref: Pick<RunnerRecord, 'id'>): Promise<void> => {
    const runner = await reload(ref);
    const { state } = factsOf(runner);
    if (runner.status === 'online') return serve(runner);
    if (runner.status !== 'starting' || state === 'running') return;
    if (state === 'stopped') await wake(deps, runner);
    if (factsOf(runner).state !== 'pending' || agenda.has(runner.id)) return;
    agenda.after(runningAfterMs, () => follow(runner, 'running'), runner.id);
    agenda.after(runningAfterMs + onlineAfterMs, async () => {
      // A newly started agent has no claims.
      const beat = heartbeatRequest.parse({ agentVersion: options.agentVersion, tasks: [] });
      await heartbeat(deps, agentOf(runner), beat);
      await serve(runner);
    });
  };

  const serve = async (ref: Pick<RunnerRecord, 'id'>): Promise<void> => {
    const runner = await reload(ref);
    for (const taskId of runner.assigned) {
      const result = await claimTask(deps, agentOf(runner), { projectId, taskId });
      if (result.ok) run(runner, taskId, result.claim.attempt);
    }
  };

  const run = (runner: RunnerRecord, taskId: TaskId, attempt: number): void => {
    const task = planned.get(taskId);
    if (!task) return;
    const lease = { ...agentOf(runner), projectId, taskId, attempt };
    const { template, runMs, succeeds, commit } = task;
    const lines = succeeds ? template.output : [...template.output.slice(0, -1), template.failure];
    const startMs = agenda.nowMs() + firstLineAfterMs;
    const entries = lines.map(
      (line, index): LogEntry => ({
        at: toInstant(startMs + Math.round((index * (runMs - firstLineAfterMs)) / lines.length)),
        stream: succeeds || index < lines.length - 1 ? 'stdout' : 'stderr',
        text: `${line}\n`,
      }),
    );
    agenda.after(firstLineAfterMs, async () => {
      await appendLog(deps, lease, [{ seq: 0, entries }]);
    });
    agenda.after(runMs, async () => {
      const status = succeeds ? 'success' : 'error';
      const hosts = template.hosts?.[status];
      const exitCode = succeeds ? 0 : 2;
      await finishTask(deps, lease, {
        status,
        exitCode,
        lease: '',
        logChunks: 1,
        hosts,
        commit,
      });
      await serve(runner);
      await sleepIfIdle(runner);
    });
  };

  const sleepIfIdle = async (ref: RunnerRecord): Promise<void> => {
    const runner = await reload(ref);
    if (runner.status !== 'online') return;
    const decision = decideSleep(runner, now());
    if (!decision.sleep) {
      if (decision.why === 'too_soon') agenda.after(decision.waitMs, () => sleepIfIdle(runner));
      return;
    }
    await putToSleep(deps, runner);
    await follow(runner, 'stopping');
    agenda.after(stoppedAfterMs, async () => {
      await follow(runner, 'stopped');
      await attend(runner);
    });
  };

  const start = async ({ by: name, templateId }: ReplayedTask) => {
    if (name !== undefined) return startTask(deps, projectId, { templateId }, { name, people: [] });
    const { scheduleId } = options;
    const due = scheduleId && (await deps.schedules.get(projectId, scheduleId));
    if (!due) throw new Error(`The replay has no schedule ${scheduleId}`);
    const { cron, timeZone } = due;
    await runSchedule(deps, { projectId, scheduleId, scheduledAt: now(), cron, timeZone });
    const { lastRun } = (await deps.schedules.get(projectId, scheduleId)) ?? {};
    return lastRun?.taskId && deps.tasks.get(projectId, lastRun.taskId);
  };

  for (const task of plan) {
    agenda.at(task.startMs, async () => {
      const made = await start(task);
      if (!made?.runnerId) return;
      planned.set(made.id, task);
      const runner = await reload({ id: made.runnerId });
      agenda.after(claimAfterMs, () => attend(runner));
    });
  }
  await agenda.run();
};
