/** Repairs awake runners: brings them in line with EC2, and stops those that failed or are overdue. */
import { type Instant, isPoweredByStack, isWanted, msBetween } from '../../../protocol/index.ts';
import type { InstanceFacts } from '../../adapters/runners/instance-facts.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { lacksInstance, scheduled } from '../../core/fleets/fleets.ts';
import { decideSleep, staysOnUntil } from '../../core/runners/idle-policy.ts';
import { runnerSources } from '../../core/runners/runner-state.ts';
import { bootTimeoutMs } from '../../core/runners/start-failure.ts';
import { queuesOf } from '../../core/tasks/routing.ts';
import { reconcileLaunch } from '../fleets/reconcile.ts';
import { failStart } from '../runners/failed-start.ts';
import { type FollowDeps, followInstance, isInStep, loseAll } from '../runners/instance-state.ts';
import { leaveRunner } from '../runners/leave.ts';
import { putToSleep, stop, stopDrained, stopFailedStart, stopInstance } from '../runners/power.ts';
import { makeQueues } from '../runners/runner-setup.ts';
import type { Pass } from './repairs.ts';
import { isLapsed, sentNoHeartbeat } from './silence.ts';

type Repaired = Pass['repaired'];

/** Grace period for who changed a runner to end its work: an agent its drain, a function its next write. */
export const graceMs = 30_000;

type Due =
  | 'stop_failed_start'
  | 'stop_unwanted'
  | 'boot_again'
  | 'settle_silent'
  | 'put_to_sleep'
  | 'stop_drained'
  | 'stop_again';

/** Decides what a runner with an instance needs now, beside following EC2. */
const dueOf = (runner: RunnerRecord, facts: InstanceFacts | undefined, now: Instant): Due | undefined => {
  const sinceMs = msBetween(runner.statusSince, now);
  switch (runner.status) {
    case 'starting':
      if (runner.quarantinedAt) return 'stop_failed_start';
      // Its task found another runner or was stopped before its agent came up.
      if (!isWanted(runner)) return 'stop_unwanted';
      return isOn(facts) && bootMs(runner, facts, now) > bootTimeoutMs ? 'boot_again' : undefined;
    case 'online':
      if (isLapsed(runner, now)) return 'settle_silent';
      return isOverdue(runner, now) && decideSleep(runner, now).sleep ? 'put_to_sleep' : undefined;
    case 'draining':
      return sinceMs > graceMs ? 'stop_drained' : undefined;
    case 'stopping':
      // EC2 refused the stop, or it was never requested.
      return facts?.state === 'running' && sinceMs > graceMs ? 'stop_again' : undefined;
    default:
      return undefined;
  }
};

/**
 * Returns true for a runner that this pass must repair, or look at more closely. `listed` is what EC2's list
 * said of its instance.
 */
export const needsLook = (
  { fleets, now }: Pick<FollowDeps, 'fleets' | 'now'>,
  found: RunnerRecord,
  listed: InstanceFacts | undefined,
): boolean => {
  const at = now();
  if (!isPoweredByStack(found)) return isSilentElsewhere(found, at);
  if (lacksInstance(found) || !isInStep(found, listed)) return true;
  return dueOf(scheduled(fleets, found, at), listed, at) !== undefined;
};

/**
 * Repairs a runner that needs it. EC2's list and the runner's record are from the begin of the pass, so both
 * are read again here: what this flow starts, stops or takes away, it decides by these.
 */
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
  const due = dueOf(runner, facts, now);
  const about = { runnerId: runner.id, status: runner.status };
  switch (due) {
    case 'stop_failed_start':
      await stop(deps, runner, 'start_failed');
      return;
    case 'stop_unwanted':
      if (await stop(deps, runner, 'unwanted')) repaired('unwanted_runner_stopped', { runnerId: runner.id });
      return;
    case 'boot_again':
      await bootAgain(deps, runner);
      return repaired('boot_timed_out', about);
    case 'settle_silent':
      return settleSilent(deps, runner, repaired);
    case 'put_to_sleep':
      await putToSleep(deps, runner);
      return repaired('runner_put_to_sleep', about);
    case 'stop_drained':
      await stopDrained(deps, runner);
      return repaired('drained_runner_stopped', about);
    case 'stop_again':
      await stopInstance(deps, runner);
      return repaired('stop_asked_again', about);
    default:
      return;
  }
};

/** Returns true when SQS refused the names of the runner's queues, and takes them by now. */
export const awaitsQueues = ({ queuesFrom }: RunnerRecord, now: Instant): boolean =>
  queuesFrom !== undefined && msBetween(queuesFrom, now) >= 0;

/** Makes queues whose names SQS refused, right after a removal. The same pass rings for the tasks in them. */
export const makeAwaitedQueues = async (
  deps: FollowDeps,
  runner: RunnerRecord,
  repaired: Repaired,
): Promise<void> => {
  const queuesFrom = await makeQueues(deps, queuesOf(runner));
  await deps.runners.awaitQueues(runner, queuesFrom);
  if (queuesFrom === undefined) repaired('queues_made', { runnerId: runner.id });
};

const isSilentElsewhere = (runner: RunnerRecord, now: Instant): boolean =>
  runner.status === 'starting' ? msBetween(runner.statusSince, now) > bootTimeoutMs : isLapsed(runner, now);

/** Repairs a silent runner without an instance of ours: only its heartbeats are known. */
const reconcileElsewhere = async (
  deps: FollowDeps,
  runner: RunnerRecord,
  repaired: Repaired,
): Promise<void> => {
  const now = deps.now();
  const isStarting = runner.status === 'starting';
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
