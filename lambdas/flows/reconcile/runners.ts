/** Repairs awake runners: brings them in line with EC2, and stops those that failed or are overdue. */
import { type Instant, isPoweredByStack, isWanted, msBetween } from '../../../protocol/index.ts';
import type { InstanceFacts } from '../../adapters/runners/instances.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { lacksInstance, scheduled } from '../../core/fleets/fleets.ts';
import { decideSleep, staysOnUntil } from '../../core/runners/idle-policy.ts';
import { runnerSources } from '../../core/runners/runner-state.ts';
import { bootTimeoutMs } from '../../core/runners/start-failure.ts';
import { queuesOf } from '../../core/tasks/routing.ts';
import { reconcileLaunch } from '../fleets/reconcile.ts';
import { failStart } from '../runners/failed-start.ts';
import { type FollowDeps, followInstance, loseAll } from '../runners/instance-state.ts';
import { leaveRunner } from '../runners/leave.ts';
import { putToSleep, stop, stopDrained, stopFailedStart, stopInstance } from '../runners/power.ts';
import { makeQueues } from '../runners/runner-setup.ts';
import { refsOf } from '../tasks/held-tasks.ts';
import type { Pass } from './repairs.ts';
import { isLapsed, sentNoHeartbeat } from './silence.ts';

type Repaired = Pass['repaired'];

/** Grace period for an agent to report its own drain, and for a drained runner to stop. */
const graceMs = 30_000;

export const reconcileRunner = async (
  deps: FollowDeps,
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
export const makeAwaitedQueues = async (
  deps: FollowDeps,
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
  deps: FollowDeps,
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
  const left = await leaveRunner(deps, runner, runnerSources('silence', 'offline'), 'offline');
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
const bootAgain = async (deps: FollowDeps, runner: RunnerRecord): Promise<void> => {
  const detail = `${runner.instanceId} was started but its agent did not report within ${bootTimeoutMs / 60_000} minutes. Look at its console output.`;
  await stopFailedStart(deps, runner, 'boot_timeout', detail);
};

/** Handles a silent agent: its tasks run elsewhere, and its instance stops, to start again for work. */
const settleSilent = async (deps: FollowDeps, runner: RunnerRecord, repaired: Repaired): Promise<void> => {
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

/** Takes tasks from a runner that no longer wait for it, as they keep it awake. */
export const dropStale = async (
  deps: FollowDeps,
  runner: RunnerRecord,
  live: readonly TaskRecord[],
  repaired: Repaired,
): Promise<void> => {
  const counts = (task: TaskRecord | undefined) => task?.status === 'waiting' && task.runnerId === runner.id;
  for (const ref of refsOf(runner, runner.assigned)) {
    if (counts(live.find(({ id }) => id === ref.id))) continue;
    // The index may be a moment late, so the task itself decides.
    const task = await deps.tasks.get(ref.projectId, ref.id);
    if (counts(task) || msBetween(runner.statusSince, deps.now()) < graceMs) continue;
    await deps.runners.unassign(runner, ref);
    repaired('stale_assignment', { runnerId: runner.id, taskId: ref.id });
  }
};

/** Runners of 0.1.0 have no places; their tasks are counted here. */
export const repairPlaces = async (
  deps: FollowDeps,
  runner: RunnerRecord,
  live: readonly TaskRecord[],
  repaired: Repaired,
): Promise<void> => {
  const ids = new Set([...runner.slots, ...runner.assigned]);
  const known = runner.places.filter(({ id }) => ids.delete(id));
  if (ids.size === 0 && known.length === runner.places.length) return;
  const missing = live.filter(({ id }) => ids.has(id));
  if (await deps.runners.setPlaces(runner, [...known, ...missing]))
    repaired('places_counted', { runnerId: runner.id });
};
