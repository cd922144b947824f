/** Follows EC2: applies an instance's state to its runner, its session and the runner's assigned tasks. */
import { type Instant, isPoweredByStack, msBetween } from '../../../protocol/index.ts';
import type { InstanceFacts } from '../../adapters/runners/instance-facts.ts';
import { poolOf, type RunnerRecord, withoutInstance } from '../../adapters/runners/runner-record.ts';
import { openSessionFacts } from '../../core/costs/cost.ts';
import { type NotTheirs, whyNotTheirs } from '../../core/runners/instance-owner.ts';
import { isAwake, nextStatus } from '../../core/runners/runner-state.ts';
import { isTimeToRetry, startFailure } from '../../core/runners/start-failure.ts';
import { queuesOf } from '../../core/tasks/routing.ts';
import type { Deps } from '../deps.ts';
import type { AssignDeps } from '../tasks/assign.ts';
import { assignFromLines } from '../tasks/line.ts';
import { recoverTasks } from '../tasks/recover-task.ts';
import { failStart } from './failed-start.ts';
import { latestFacts } from './latest-facts.ts';
import { leaveRunner } from './leave.ts';
import { type WakeDeps, wake } from './power.ts';

export type FollowDeps = WakeDeps & AssignDeps & Pick<Deps, 'newId' | 'sessions' | 'fleetPlaces'>;

/**
 * Brings a runner in line with its instance, as EC2 describes it at `at`. `facts` undefined: EC2 does not
 * know the instance. Idempotent and independent of the order of EC2's events, since it uses the state and not
 * the event.
 */
export const followInstance = async (
  deps: FollowDeps,
  runner: RunnerRecord,
  facts: InstanceFacts | undefined,
  at: Instant,
): Promise<void> => {
  const notTheirs = facts && isPoweredByStack(runner) ? whyNotTheirs(runner, facts) : undefined;
  if (notTheirs !== undefined) return settleNotTheirs(deps, runner, notTheirs);
  switch (facts?.state) {
    case 'pending':
      return noticeStart(deps, runner, facts);
    case 'running':
      await openSession(deps, runner, facts, at);
      return noticeStart(deps, runner, facts);
    case 'stopping':
      await closeSession(deps, runner, facts, at);
      return noticeStop(deps, runner, at);
    case 'stopped':
      await closeSession(deps, runner, facts, at);
      return settleStopped(deps, runner, facts, at);
    default:
      if (runner.fleet !== undefined) return settleTerminated(deps, runner, facts, at);
      await closeSession(deps, runner, facts, at);
      return settleGone(deps, runner, facts);
  }
};

/** Returns true when the session of the described launch has ended. */
const isOver = ({ lastSessionStartedAt }: RunnerRecord, { launchedAt }: InstanceFacts): boolean =>
  launchedAt !== undefined && lastSessionStartedAt !== undefined && launchedAt <= lastSessionStartedAt;

/**
 * Returns true when `followInstance` would certainly change nothing: the instance is as the runner's status
 * and session say. False in any doubt, as then it decides.
 */
export const isInStep = (runner: RunnerRecord, facts: InstanceFacts | undefined): boolean => {
  if (!facts || !isAwake(runner.status) || whyNotTheirs(runner, facts)) return false;
  if (facts.state === 'pending') return true;
  if (facts.state === 'running') return runner.session !== undefined;
  return (
    facts.state === 'stopping' &&
    runner.status === 'stopping' &&
    runner.session === undefined &&
    isOver(runner, facts)
  );
};

/**
 * Handles a start that came late, or by hand: without this, a runner that counts as asleep would go
 * unwatched. A launch whose session has ended is ignored: EC2's answer is older than the event that ended the
 * session.
 */
const noticeStart = async (deps: FollowDeps, runner: RunnerRecord, facts: InstanceFacts): Promise<void> => {
  if (runner.status === 'stopped' && !isOver(runner, facts))
    await deps.runners.move(runner, ['stopped'], 'starting', deps.now());
};

/**
 * Handles a stop by hand or by EC2. EC2's answer may be old by now: a runner that has been started again
 * since must not count as stopping, as its agent would be asked to drain.
 */
const noticeStop = async (deps: FollowDeps, runner: RunnerRecord, at: Instant): Promise<void> => {
  const { status, statusSince } = runner;
  const to = nextStatus(runner, 'instance_stopping');
  if (to !== undefined) await deps.runners.move(runner, [status], to, at, { statusSince });
};

const openSession = async (
  deps: FollowDeps,
  runner: RunnerRecord,
  facts: InstanceFacts,
  at: Instant,
): Promise<RunnerRecord | undefined> => {
  const { runningAt } = facts;
  if (runner.session) {
    const isKnown = runner.session.runningAt !== undefined || runningAt === undefined;
    return isKnown ? runner : deps.runners.beginBilling(runner, { ...runner.session, runningAt });
  }
  const startedAt = facts.launchedAt ?? at;
  const session = { id: deps.newId('ses', startedAt), startedAt, runningAt };
  return deps.runners.openSession(runner, session, facts.instanceType);
};

/** Stores the bill of a session before the runner forgets it, so that after a crash it is stored again. */
const closeSession = async (
  deps: FollowDeps,
  runner: RunnerRecord,
  facts: InstanceFacts | undefined,
  at: Instant,
): Promise<void> => {
  const billed = runner.session
    ? runner
    : ((await openUnseen(deps, runner, facts)) ?? (await openedMeanwhile(deps, runner, facts)));
  const session = billed?.session;
  const bill = billed && openSessionFacts(billed, deps.region);
  if (!session || !bill) return;
  // An earlier time belongs to a previous session's late event: the end of this one was not reported yet.
  const endedAt = at > session.startedAt ? at : deps.now();
  await deps.sessions.put({ ...bill, endedAt });
  await deps.runners.closeSession(billed, session, endedAt);
};

/** Opens the session of an instance that ended before its start was seen, by its agent's heartbeat. */
const openUnseen = async (
  deps: FollowDeps,
  runner: RunnerRecord,
  facts: InstanceFacts | undefined,
): Promise<RunnerRecord | undefined> => {
  const { onlineAt } = runner;
  const wasOnline = facts?.launchedAt !== undefined && onlineAt !== undefined && onlineAt >= facts.launchedAt;
  return wasOnline ? openSession(deps, runner, facts, facts.launchedAt) : undefined;
};

/** Reads the runner again: another call may have opened the session of this launch since it was read. */
const openedMeanwhile = async (
  deps: FollowDeps,
  runner: RunnerRecord,
  facts: InstanceFacts | undefined,
): Promise<RunnerRecord | undefined> => {
  const now = facts && (await deps.runners.get(poolOf(runner), runner.id));
  const isOfLaunch = now?.instanceId === facts?.instanceId && now?.session?.startedAt === facts?.launchedAt;
  return isOfLaunch ? now : undefined;
};

/** Takes all tasks from a runner that has not renewed its lease since it was read. */
export const loseAll = (deps: FollowDeps, runner: RunnerRecord, reason: string): Promise<void> =>
  recoverTasks(deps, runner, runner.slots, reason);

const settleStopped = async (
  deps: FollowDeps,
  runner: RunnerRecord,
  facts: InstanceFacts,
  at: Instant,
): Promise<void> => {
  if (runner.status === 'starting') return settleNotStarted(deps, runner, facts);
  await loseAll(deps, runner, `The instance ${facts.instanceId} of ${runner.name} stopped.`);
  const to = nextStatus(runner, 'instance_stopped');
  if (to === undefined) return;
  const { status, statusSince } = runner;
  const moved = await deps.runners.move(runner, [status], to, deps.now(), {
    idle: to === 'stopped',
    statusSince,
  });
  if (moved) return settleAsleep(deps, moved);
  // Work, or another event, came between read and write: read both again, as EC2's earlier answer is
  // outdated.
  const now = await deps.runners.get(runner.projectId ?? 'global', runner.id);
  if (now === undefined || nextStatus(now, 'instance_stopped') !== 'starting') return;
  const { instanceId } = facts;
  const fresh = latestFacts(await deps.instances.describe(now), { instanceId, state: 'stopped', at });
  if (fresh?.state === 'stopped') await settleStopped(deps, now, fresh, at);
};

/**
 * Wakes a runner whose instance has just gone off, when tasks are assigned to it. Those in line may wait for
 * it: it had no place, or drained, when they came.
 */
const settleAsleep = async (deps: FollowDeps, moved: RunnerRecord): Promise<void> => {
  await wake(deps, moved);
  await assignFromLines(deps, queuesOf(moved));
};

/** In a start under way the instance is still `stopped` for a moment; one launched since fell back. */
const settleNotStarted = async (
  deps: FollowDeps,
  runner: RunnerRecord,
  facts: InstanceFacts,
): Promise<void> => {
  const fellBack = facts.launchedAt !== undefined && facts.launchedAt >= runner.statusSince;
  if (!fellBack) {
    if (isTimeToRetry(runner, deps.now())) await wake(deps, runner);
    return;
  }
  const detail = `${facts.instanceId} stopped before its agent came up: ${facts.stateReason ?? 'EC2 gives no reason'}.`;
  const failed = await failStart(deps, runner, 'start_fell_back', detail);
  if (failed) await wake(deps, failed);
};

/** EC2 does not show a new instance at once (AWS: eventual consistency in the EC2 API). */
const unknownForMs = 5 * 60_000;

/** EC2 reports whole seconds. */
const wasLaunchedSince = (facts: InstanceFacts | undefined, since: Instant): boolean =>
  facts?.launchedAt !== undefined && msBetween(since, facts.launchedAt) > -1000;

/**
 * Handles the termination of a fleet runner's instance: by the fleet's policy, by EC2, or by hand. The runner
 * then has no instance, and its fleet launches another for new work.
 */
const settleTerminated = async (
  deps: FollowDeps,
  runner: RunnerRecord,
  facts: InstanceFacts | undefined,
  at: Instant,
): Promise<void> => {
  const { status, statusSince, instanceId } = runner;
  if (facts === undefined && instanceId !== undefined && msBetween(statusSince, deps.now()) < unknownForMs)
    return;
  await closeSession(deps, runner, facts, at);
  if (facts?.state === 'shutting-down') {
    if (status !== 'starting') await noticeStop(deps, runner, at);
    return;
  }
  if (instanceId !== undefined) await deps.runners.unbind(instanceId, deps.now());
  await loseAll(deps, runner, `The instance ${instanceId} of ${runner.name} was terminated.`);
  const to = status === 'stopped' ? 'stopped' : nextStatus(runner, 'instance_stopped');
  if (to === undefined) return;
  const moved = await deps.runners.move(runner, [status], to, deps.now(), {
    idle: to === 'stopped',
    statusSince,
    set: withoutInstance,
  });
  if (moved && status === 'starting' && wasLaunchedSince(facts, statusSince)) {
    const detail = `${instanceId} was terminated before its agent came up: ${facts?.stateReason ?? 'EC2 gives no reason'}.`;
    const failed = await failStart(deps, moved, 'start_fell_back', detail);
    if (failed) await wake(deps, failed);
    return;
  }
  if (moved) return settleAsleep(deps, moved);
  // Work, or another event, came between read and write.
  const now = await deps.runners.get(runner.projectId ?? 'global', runner.id);
  if (now?.instanceId !== instanceId || now === undefined) return;
  if (nextStatus(now, 'instance_stopped') === 'starting') await settleTerminated(deps, now, facts, at);
};

const settleGone = async (
  deps: FollowDeps,
  runner: RunnerRecord,
  facts: InstanceFacts | undefined,
): Promise<void> => {
  if (!isPoweredByStack(runner)) return;
  const detail = facts
    ? `The instance ${runner.instanceId} was terminated. Bind the runner to another one.`
    : `EC2 doesn't know the instance ${runner.instanceId} in this region. Bind the runner to another one.`;
  await loseAll(deps, runner, detail);
  const failed = await failStart(deps, runner, 'instance_gone', detail, { mayPass: false });
  if (failed) await leaveRunner(deps, failed, [failed.status], 'stopped');
};

/**
 * Ignores the state of an instance that belongs to another: the runner is not powered until it is bound to
 * another instance, or this one is its own. Its agent, wherever it runs, continues.
 */
const settleNotTheirs = async (deps: FollowDeps, runner: RunnerRecord, code: NotTheirs): Promise<void> => {
  if (runner.status !== 'starting' && runner.status !== 'stopping') return;
  const { detail, mayPass } = startFailure(code, code);
  const failed = await failStart(deps, runner, code, detail, { mayPass });
  if (failed) await leaveRunner(deps, failed, [failed.status], 'stopped');
};
