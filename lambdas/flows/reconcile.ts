/** Repairs lost work: finds it among the live items, and repeats it. Safe to run in parallel. */
import { type Instant, isPoweredByStack, isWanted, msBetween } from '../../protocol/index.ts';
import type { InstanceFacts } from '../adapters/runners/instances.ts';
import type { RunnerRecord } from '../adapters/runners/runner-record.ts';
import type { TaskRecord } from '../adapters/tasks/tasks.ts';
import { UnreadableItem } from '../adapters/unreadable-item.ts';
import { fleetsByRegion, lacksInstance, scheduled } from '../core/fleets/fleets.ts';
import { decideSleep, staysOnUntil } from '../core/runners/idle-policy.ts';
import { runnerSources } from '../core/runners/runner-state.ts';
import { room } from '../core/runners/slots.ts';
import { bootTimeoutMs } from '../core/runners/start-failure.ts';
import { queuesOf } from '../core/tasks/routing.ts';
import { canServe } from '../core/tasks/select-runner.ts';
import { isHeldStatus } from '../core/tasks/task-state.ts';
import { hasLeftQueue } from '../core/webhooks/retry-policy.ts';
import { keepPrices, type PriceDeps } from './costs/refresh-prices.ts';
import type { Deps } from './deps.ts';
import { endOrphans, reconcileLaunch } from './fleets/reconcile.ts';
import { beginPass, type Pass, type Repairs } from './repairs.ts';
import { failStart } from './runners/failed-start.ts';
import { type FollowDeps, followInstance, loseAll } from './runners/instance-state.ts';
import { putToSleep, stop, stopDrained, stopFailedStart, stopInstance } from './runners/power.ts';
import { makeQueues } from './runners/runner-setup.ts';
import { drainImpaired, followForgotten, regionsOf } from './runners/watch-instances.ts';
import { assignTask, ring } from './tasks/assign.ts';
import { type RoomLookup, roomLookup } from './tasks/overflow.ts';
import { endAttempt, recoverTask } from './tasks/recover-task.ts';
import { limitsOf, repairLimit } from './tasks/repair-limits.ts';

export type ReconcileDeps = FollowDeps &
  PriceDeps &
  Pick<Deps, 'retryWebhook'> & { readonly stackName: string };

/** Grace period for an agent to report its own drain, and for a drained runner to stop. */
const graceMs = 30_000;

export const reconcile = async (deps: ReconcileDeps): Promise<Repairs> => {
  const pass = beginPass(deps.log);
  const { repairs, repaired, each } = pass;
  const runners = await deps.runners.listAwake();
  const tasks = await deps.tasks.listLive();
  const deliveries = await deps.deliveries.listPending();
  await each(runners, idOf, (runner) => makeAwaitedQueues(deps, runner, repaired));
  await each(runners, idOf, (runner) => reconcileRunner(deps, runner, repaired));
  await each(regionsOf(deps, runners), String, (region) => followForgotten(deps, region, runners, pass));
  await each(regionsOf(deps, runners), String, (region) => drainImpaired(deps, region, runners, pass));
  await each(
    fleetsByRegion(deps.fleets),
    ([{ region }]) => region,
    (fleets) => endOrphans(deps, fleets, runners, pass),
  );
  await each(runners, idOf, (runner) => dropStaleDemand(deps, runner, tasks, repaired));
  const rooms = roomLookup(deps);
  await each(tasks, idOf, (task) => reconcileTask(deps, task, rooms, repaired));
  await each(
    limitsOf(tasks),
    ({ ownerId }) => ownerId,
    (ref) => repairLimit(deps, ref, tasks, pass),
  );
  await each(deliveries, idOf, async (delivery) => {
    if (!hasLeftQueue(delivery, deps.now())) return;
    await deps.retryWebhook(delivery);
    repaired('delivery_sent_again', { deliveryId: delivery.id });
  });
  // Last, as it may wait for a response.
  await each(
    [runners],
    () => 'prices',
    (awake) => keepPrices(deps, awake),
  );
  return repairs;
};

const idOf = ({ id }: { readonly id: string }) => id;

type Repaired = Pass['repaired'];

/** Reason of a task whose runner's lease has ended. */
const sentNoHeartbeat = ({ name }: RunnerRecord): string => `The agent of ${name} sent no heartbeat in time.`;

const isLapsed = (runner: RunnerRecord, now: Instant): boolean =>
  runner.leaseUntil === undefined || msBetween(runner.leaseUntil, now) > 0;

const reconcileRunner = async (
  deps: ReconcileDeps,
  found: RunnerRecord,
  repaired: Repaired,
): Promise<void> => {
  if (!isPoweredByStack(found)) return reconcileElsewhere(deps, found, repaired);
  if (lacksInstance(found)) return reconcileLaunch(deps, found, repaired);
  const facts = await deps.instances.describe(found);
  await followInstance(deps, found, facts, deps.now());
  const after = await deps.runners.get(found.projectId ?? 'global', found.id);
  if (!after || lacksInstance(after)) return;
  const now = deps.now();
  const runner = scheduled(deps.fleets, after, now);
  const about = { runnerId: runner.id, status: runner.status };
  switch (runner.status) {
    case 'starting':
      if (runner.quarantinedAt) await stop(deps, runner, 'start_failed');
      else if (!isWanted(runner)) {
        // Its task found another runner or was stopped before its agent came up.
        if (await stop(deps, runner, 'unwanted'))
          repaired('unwanted_runner_stopped', { runnerId: runner.id });
      } else if (isOn(facts) && bootMs(runner, facts, now) > bootTimeoutMs) {
        await bootAgain(deps, runner);
        repaired('boot_timed_out', about);
      }
      return;
    case 'online':
      if (isLapsed(runner, now)) await settleSilent(deps, runner, repaired);
      else if (isOverdue(runner, now) && decideSleep(runner, now).sleep) {
        await putToSleep(deps, runner);
        repaired('runner_put_to_sleep', about);
      }
      return;
    case 'draining':
      if (msBetween(runner.statusSince, now) > graceMs) {
        await stopDrained(deps, runner);
        repaired('drained_runner_stopped', about);
      }
      return;
    case 'stopping':
      // EC2 refused the stop, or it was never requested.
      if (facts?.state === 'running' && msBetween(runner.statusSince, now) > graceMs) {
        await stopInstance(deps, runner);
        repaired('stop_asked_again', about);
      }
      return;
    default:
      return;
  }
};

/** Makes queues whose names SQS refused, right after a removal. The same pass rings for the tasks in them. */
const makeAwaitedQueues = async (
  deps: ReconcileDeps,
  runner: RunnerRecord,
  repaired: Repaired,
): Promise<void> => {
  if (runner.queuesFrom === undefined || msBetween(runner.queuesFrom, deps.now()) < 0) return;
  const queuesFrom = await makeQueues(deps, queuesOf(runner));
  await deps.runners.awaitQueues(runner, queuesFrom);
  if (queuesFrom === undefined) repaired('queues_made', { runnerId: runner.id });
};

/** Repairs a runner without an instance of ours: only its heartbeats are known. */
const reconcileElsewhere = async (
  deps: ReconcileDeps,
  runner: RunnerRecord,
  repaired: Repaired,
): Promise<void> => {
  const now = deps.now();
  const isStarting = runner.status === 'starting';
  const isSilent = isStarting ? msBetween(runner.statusSince, now) > bootTimeoutMs : isLapsed(runner, now);
  if (!isSilent) return;
  const detail = `${runner.name} did not report within ${bootTimeoutMs / 60_000} minutes of its start event. Look at the receiver of its webhook.`;
  if (isLapsed(runner, now)) await loseAll(deps, runner, sentNoHeartbeat(runner));
  if (isStarting) await failStart(deps, runner, 'boot_timeout', detail);
  const left = await deps.runners.leave(runner, runnerSources('silence', 'offline'), 'offline', now);
  if (left) repaired('runner_went_silent', { runnerId: runner.id, status: runner.status });
};

const isOn = (facts: InstanceFacts | undefined): boolean =>
  facts?.state === 'pending' || facts?.state === 'running';

/** Time that its agent has had to come up: EC2 may have refused the start for a while. */
const bootMs = (runner: RunnerRecord, facts: InstanceFacts | undefined, now: Instant): number => {
  const launchedAt = facts?.launchedAt ?? runner.statusSince;
  return msBetween(launchedAt > runner.statusSince ? launchedAt : runner.statusSince, now);
};

/** Stops an instance whose agent did not come up. */
const bootAgain = async (deps: ReconcileDeps, runner: RunnerRecord): Promise<void> => {
  const detail = `${runner.instanceId} was started but its agent did not report within ${bootTimeoutMs / 60_000} minutes. Look at its console output.`;
  await stopFailedStart(deps, runner, 'boot_timeout', detail);
};

/** Handles a silent agent: its tasks run elsewhere, and its instance stops, to start again for demand. */
const settleSilent = async (deps: ReconcileDeps, runner: RunnerRecord, repaired: Repaired): Promise<void> => {
  const about = { runnerId: runner.id, status: runner.status };
  if (runner.slots.length > 0) {
    await loseAll(deps, runner, sentNoHeartbeat(runner));
    repaired('lease_lapsed', about);
    return;
  }
  if (await stop(deps, runner, 'silence')) repaired('silent_runner_stopped', about);
};

const isOverdue = (runner: RunnerRecord, now: Instant): boolean =>
  msBetween(staysOnUntil(runner), now) > graceMs;

/** Drops the demand of a task that no longer waits for this runner, as it keeps the runner awake. */
const dropStaleDemand = async (
  deps: ReconcileDeps,
  runner: RunnerRecord,
  live: readonly TaskRecord[],
  repaired: Repaired,
): Promise<void> => {
  const counts = (task: TaskRecord | undefined) => task?.status === 'waiting' && task.runnerId === runner.id;
  for (const taskId of runner.demand) {
    if (counts(live.find(({ id }) => id === taskId))) continue;
    // The index may be a moment late, so the task itself decides when its project is known.
    const task = runner.projectId ? await deps.tasks.get(runner.projectId, taskId) : undefined;
    if (counts(task) || msBetween(runner.statusSince, deps.now()) < graceMs) continue;
    await deps.runners.dropDemand(runner, taskId);
    repaired('stale_demand', { runnerId: runner.id, taskId });
  }
};

/** A task that lost its place in its limits may still be in the demand, after a crash between two writes. */
const isLetIn = (task: TaskRecord): boolean => task.limits === undefined || task.admitted === true;

/**
 * Returns true when the task is in the runner's demand and in a queue that it polls: a change of tags may
 * have crashed before it reassigned all tasks.
 */
const hasDemandFor = (runner: RunnerRecord, task: TaskRecord): boolean =>
  runner.demand.includes(task.id) && queuesOf(runner).includes(task.queue);

const runnerOf = async (
  deps: ReconcileDeps,
  { projectId, runnerId }: TaskRecord,
): Promise<RunnerRecord | 'unreadable' | undefined> => {
  try {
    return runnerId && (await deps.runners.find(projectId, runnerId));
  } catch (error) {
    if (error instanceof UnreadableItem) return 'unreadable';
    throw error;
  }
};

const reconcileTask = async (
  deps: ReconcileDeps,
  task: TaskRecord,
  rooms: RoomLookup,
  repaired: Repaired,
): Promise<void> => {
  const runner = await runnerOf(deps, task);
  const about = { taskId: task.id, runnerId: task.runnerId, attempt: task.attempt };
  if (runner === 'unreadable') {
    // Its agent may have the task and continue; a waiting task goes to another runner.
    if (!isHeldStatus(task.status) && (await assignTask(deps, task))) repaired('task_placed_again', about);
    return;
  }
  if (isHeldStatus(task.status)) {
    if (!runner) {
      const reason = 'The runner was removed while the task was on it.';
      if (task.runnerId && (await endAttempt(deps, task.runnerId, task, reason)))
        repaired('slotless_task', about);
    } else if (!runner.slots.includes(task.id)) {
      if (await endAttempt(deps, runner, task, `${runner.name} lost the task.`))
        repaired('slotless_task', about);
    } else if (isLapsed(runner, deps.now())) {
      await recoverTask(deps, runner, task, task.id, sentNoHeartbeat(runner));
      repaired('lease_lapsed', about);
    }
    return;
  }
  if (task.status !== 'waiting' || task.limitedBy) return;
  const isAssigned = runner !== undefined && hasDemandFor(runner, task) && isLetIn(task);
  const isStuck = !isAssigned || runner.fault !== undefined || !canServe(runner);
  if (isStuck || (room(runner) < 0 && (await rooms.isElsewhere(task)))) {
    if (await assignTask(deps, task)) repaired('task_placed_again', about);
    rooms.forget();
  } else if (runner.status === 'online' && room({ ...runner, demand: [] }) > 0) {
    await ring(deps, task);
    repaired('doorbell_rung_again', about);
  }
};
