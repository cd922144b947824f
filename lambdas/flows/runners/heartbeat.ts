/** Calls of an agent for itself: its heartbeat, and its drain. */
import {
  type AgentSettings,
  addMs,
  type DrainResponse,
  drainOf,
  type HeartbeatRequest,
  type HeartbeatResponse,
  type Instant,
  isPoweredByStack,
  leaseMs,
  msBetween,
  type TaskId,
} from '../../../protocol/index.ts';
import type { AgentIdentity } from '../../adapters/runners/agent-tokens.ts';
import { type RunnerRecord, runnerRef } from '../../adapters/runners/runner-record.ts';
import { powerOffOf, scheduled } from '../../core/fleets/fleets.ts';
import { decideSleep, offersToSleep } from '../../core/runners/idle-policy.ts';
import { runnerSources } from '../../core/runners/runner-state.ts';
import { controlQueueOf, queuesOf } from '../../core/tasks/routing.ts';
import type { Deps } from '../deps.ts';
import type { AssignDeps } from '../tasks/assign.ts';
import { ring } from '../tasks/doorbell.ts';
import { tasksOf } from '../tasks/held-tasks.ts';
import { assignFromLines } from '../tasks/line.ts';
import { recoverTasks } from '../tasks/recover-task.ts';
import { followDisk, recordDisk } from './low-disk.ts';
import { putToSleepSoon } from './power.ts';

export type HeartbeatDeps = AssignDeps & Pick<Deps, 'agentTokens' | 'settlePowerSoon' | 'fleets'>;

export const settingsOf = (
  deps: Pick<Deps, 'queues' | 'fleets' | 'now'>,
  runner: RunnerRecord,
): AgentSettings => ({
  queueUrls: runner.active ? queuesOf(runner).map((queue) => deps.queues.urlOf(queue)) : [],
  controlQueueUrl: deps.queues.urlOf(controlQueueOf(runner)),
  maxParallelTasks: runner.maxParallelTasks,
  ...(isPoweredByStack(runner) && offersToSleep(scheduled(deps.fleets, runner, deps.now()), deps.now())),
});

/**
 * Renews the lease of all tasks that the runner holds, returns those that it lost, and takes from it the
 * tasks that the agent does not know. The first heartbeat sets the runner online. Undefined: the runner is
 * removed, another agent has it, or its credentials were revoked.
 */
export const heartbeat = async (
  deps: HeartbeatDeps,
  agent: AgentIdentity,
  request: HeartbeatRequest,
): Promise<HeartbeatResponse | undefined> => {
  const now = deps.now();
  const leaseUntil = addMs(now, leaseMs);
  const { agentVersion, draining, leaving, tasksShareUser } = request;
  const { agentId, credentialVersion } = agent;
  const beat = { agentVersion, agentId, credentialVersion, draining, leaving, tasksShareUser };
  const beating = await deps.runners.heartbeat(runnerRef(agent.pool, agent.runnerId), now, leaseUntil, beat);
  if (!beating) return undefined;
  // Before it comes online, so that it gets no task that it would refuse.
  const informed = await recordDisk(deps, beating, request);
  const present =
    (!isOfEarlierBoot(deps, informed, request) && (await comeOnline(deps, informed))) || informed;
  const runner = await followDisk(deps, beating, present);

  const known = new Set<string>(request.tasks.map(({ taskId }) => taskId));
  // A heartbeat from before the last claim says nothing about that claim's task, however late it arrives.
  const forgotten = request.claims === runner.claims ? runner.slots.filter((id) => !known.has(id)) : [];
  await loseForgotten(deps, runner, forgotten);
  const held = request.tasks.filter(({ taskId }) => runner.slots.includes(taskId));
  // An unreadable task is lost; the others keep their leases.
  const refs = new Map(held.map(({ projectId, taskId }) => [taskId, { projectId, id: taskId }]));
  const current = (await deps.tasks.getAll([...refs.values()])).filter((task) => task.runnerId === runner.id);
  const leases = await Promise.all(
    current.map(async (task) => ({
      taskId: task.id,
      stop: task.status === 'stopping',
      confirmed: task.status === 'confirmed' ? true : task.status === 'rejected' ? false : undefined,
      lease: await deps.agentTokens.signLease(
        { ...agent, projectId: task.projectId, taskId: task.id, attempt: task.attempt },
        leaseUntil,
      ),
    })),
  );
  return {
    leases,
    claims: runner.claims,
    lost: request.tasks
      .filter(
        ({ taskId, attempt }) => attempt !== undefined && !leases.some((lease) => lease.taskId === taskId),
      )
      .map(({ taskId }) => taskId),
    drain:
      runner.status === 'draining' ||
      runner.status === 'stopping' ||
      drainOf(runner) !== undefined ||
      runner.lowDisk !== undefined,
    settings: settingsOf(deps, runner),
  };
};

/** Maximum age of a heartbeat: the API answers within 29 s (AWS: quotas of HTTP APIs). */
const latestMs = 30_000;

/**
 * Detects a heartbeat that arrives when its agent's machine has stopped or restarts: one that says goodbye,
 * or one that knows claims just after the start of a machine whose agent does not outlive a stop. No agent is
 * there to come online.
 */
const isOfEarlierBoot = (
  deps: Pick<Deps, 'fleets' | 'now'>,
  runner: RunnerRecord,
  { draining, claims }: Pick<HeartbeatRequest, 'draining' | 'claims'>,
): boolean =>
  draining === true ||
  (runner.status === 'starting' &&
    claims !== undefined &&
    isPoweredByStack(runner) &&
    powerOffOf(deps.fleets, runner) !== 'hibernate' &&
    msBetween(runner.statusSince, deps.now()) < latestMs);

/**
 * Sets a runner that was asleep or starting online. Rings for its assigned tasks, as doorbells may be lost,
 * and gives it those in line.
 */
const comeOnline = async (deps: HeartbeatDeps, runner: RunnerRecord): Promise<RunnerRecord | undefined> => {
  if (!runnerSources('heartbeat').includes(runner.status)) return undefined;
  const now = deps.now();
  const online = await deps.runners.move(runner, runnerSources('heartbeat'), 'online', now, {
    set: {
      idleSince: now,
      wokenAt: undefined,
      onlineAt: onlineSince(runner, now),
      fault: undefined,
      failedStarts: undefined,
      quarantinedAt: undefined,
    },
  });
  if (!online) return undefined;
  for (const task of await tasksOf(deps, online, online.assigned)) {
    if (task.status === 'waiting') await ring(deps, task);
  }
  await assignFromLines(deps, queuesOf(online));
  return online;
};

/** A restart of the agent is not another boot of its instance. */
const onlineSince = ({ session, onlineAt }: RunnerRecord, now: Instant): Instant =>
  session && onlineAt !== undefined && onlineAt >= session.startedAt ? onlineAt : now;

const loseForgotten = async (
  deps: HeartbeatDeps,
  runner: RunnerRecord,
  forgotten: readonly TaskId[],
): Promise<void> => {
  const reason = `The agent of ${runner.name} was restarted and lost the task.`;
  await recoverTasks(deps, runner, forgotten, reason);
};

/** Refuses an offer because of work, with a doorbell of a task that is assigned to the runner. */
const refuseForWork = async (deps: HeartbeatDeps, runner: RunnerRecord): Promise<DrainResponse> => {
  const assigned = await tasksOf(deps, runner, runner.assigned.slice(0, lookedAt));
  const task = assigned.find(({ status, runnerId }) => status === 'waiting' && runnerId === runner.id);
  return {
    sleep: false,
    next: task && { projectId: task.projectId, taskId: task.id, queue: task.queue },
  };
};

/** Maximum assigned tasks that are read for one that waits. */
const lookedAt = 10;

/** Answers an idle agent that has stopped polling: it will be stopped, there is work, or it is too soon. */
export const drain = async (deps: HeartbeatDeps, agent: AgentIdentity): Promise<DrainResponse> => {
  const runner = await deps.runners.get(agent.pool, agent.runnerId);
  if (!runner || runner.credentialVersion !== agent.credentialVersion) return { sleep: false };
  if (runner.status === 'stopping') return { sleep: true };
  if (runner.status === 'draining') {
    await deps.settlePowerSoon(runner);
    return { sleep: true };
  }
  const now = deps.now();
  const decision = decideSleep(scheduled(deps.fleets, runner, now), now);
  if (!decision.sleep && decision.why === 'has_work') return refuseForWork(deps, runner);
  if (!decision.sleep)
    return { sleep: false, waitMs: decision.why === 'too_soon' ? decision.waitMs : undefined };
  if (runner.status !== 'online') return { sleep: false };
  // Before it drains, as this function can ring: from then on only the reconciler does.
  await assignFromLines(deps, queuesOf(runner));
  if (await putToSleepSoon(deps, runner)) return { sleep: true };
  const awake = await deps.runners.get(agent.pool, agent.runnerId);
  return awake ? refuseForWork(deps, awake) : { sleep: false };
};
