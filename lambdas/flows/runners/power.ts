/**
 * Wakes runners and puts them to sleep: only these flows start, stop and terminate instances of runners, and
 * decide that an instance stops. instance-state.ts records what EC2 has done. Functions without a grant for
 * EC2 use the flows that end in `Soon`: `runner-power` then calls EC2.
 */
import { isPoweredByStack } from '../../../protocol/index.ts';
import type { RunnerRecord, RunnerRef } from '../../adapters/runners/runner-record.ts';
import type { MoveOptions } from '../../adapters/runners/runners.ts';
import { lacksInstance, powerOffOf, scheduled } from '../../core/fleets/fleets.ts';
import { decideSleep } from '../../core/runners/idle-policy.ts';
import { nextStatus, type RunnerEvent, runnerSources } from '../../core/runners/runner-state.ts';
import { queuesOf } from '../../core/tasks/routing.ts';
import { canServe } from '../../core/tasks/select-runner.ts';
import type { Deps } from '../deps.ts';
import { failStart } from './failed-start.ts';
import { isStartable, type StartDeps } from './start-batch.ts';
import { launchFor } from './start-outcome.ts';
import { notTheirs, startInTurn } from './start-turns.ts';

export type WakeDeps = StartDeps;
export type SleepDeps = Pick<Deps, 'now' | 'log' | 'runners' | 'lines' | 'instances' | 'fleets'>;
export type SoonDeps = Pick<Deps, 'now' | 'log' | 'runners' | 'settlePowerSoon'>;

/**
 * Starts the instance of a runner with work, or has its fleet launch one. Idempotent. A runner or instance
 * that is still stopping is left alone: its tasks stay, and the runner starts when EC2 reports `stopped`. A
 * start between EC2's stop and its report would leave a running runner that counts as stopping.
 */
export const wake = async (
  deps: WakeDeps,
  runner: RunnerRecord,
  options?: Parameters<typeof launchFor>[2],
): Promise<void> => {
  if (!isStartable(runner)) return;
  await (lacksInstance(runner) ? launchFor(deps, runner, options) : startInTurn(deps, runner));
};

/** Starts a runner for its owner, without a task. Undefined: it may not be started. */
export const wakeSoon = async (deps: SoonDeps, runner: RunnerRecord): Promise<RunnerRecord | undefined> => {
  const to = nextStatus(runner, 'wake');
  const woken = to && (await deps.runners.wake(runner, runner.status, to, deps.now()));
  if (woken?.status === 'starting') await deps.settlePowerSoon(woken);
  return woken;
};

/** Starts or stops a runner's instance, as its status and its work require. */
export const settlePower = async (deps: WakeDeps & SleepDeps, runner: RunnerRecord): Promise<void> => {
  if (runner.status === 'starting') await wake(deps, runner);
  if (runner.status === 'online') await sleepWithoutWork(deps, runner);
  if (runner.status === 'draining') await stopDrained(deps, runner);
  if (runner.status === 'stopping') await stopInstance(deps, runner);
};

const drainIdle = (deps: Pick<Deps, 'now' | 'runners'>, runner: RunnerRef) =>
  deps.runners.move(runner, runnerSources('drain'), 'draining', deps.now(), { idle: true });

/** Drains an idle runner, and stops it. A concurrent claim wins. */
export const putToSleep = async (deps: SleepDeps, runner: RunnerRef): Promise<void> => {
  const draining = await drainIdle(deps, runner);
  if (draining) await stopDrained(deps, draining);
};

/** Puts a runner to sleep that keeps no idle time, after its last task. */
export const sleepWithoutWork = async (deps: SleepDeps, runner: RunnerRecord): Promise<void> => {
  const now = deps.now();
  if (decideSleep(scheduled(deps.fleets, runner, now), now).sleep) await putToSleep(deps, runner);
};

/** Drains an idle runner, and has it stopped. Undefined: it has work, or is not online. */
export const putToSleepSoon = async (
  deps: SoonDeps,
  runner: RunnerRef,
): Promise<RunnerRecord | undefined> => {
  const draining = await drainIdle(deps, runner);
  if (draining) await deps.settlePowerSoon(draining);
  return draining;
};

/** Stops a drained runner. Work that came since has set it online again, so that the stop is refused. */
export const stopDrained = async (deps: SleepDeps, runner: RunnerRecord): Promise<void> => {
  if (!isPoweredByStack(runner) || lacksInstance(runner)) return;
  await stop(deps, runner, 'stop');
};

/** Stops a runner whose start failed; it starts again for work, unless it is in quarantine by now. */
export const stopFailedStart = async (
  deps: SleepDeps,
  runner: RunnerRecord,
  code: string,
  detail: string,
): Promise<void> => {
  const stopping = await failStart(deps, runner, code, detail, { to: 'stopping' });
  if (stopping) await stopInstance(deps, stopping);
};

/** Has a runner stopped whose start failed. */
export const stopFailedStartSoon = async (
  deps: SoonDeps,
  runner: RunnerRecord,
  code: string,
  detail: string,
): Promise<void> => {
  const stopping = await failStart(deps, runner, code, detail, { to: 'stopping' });
  if (stopping) await deps.settlePowerSoon(stopping);
};

type StopReason = Extract<RunnerEvent, 'stop' | 'unwanted' | 'start_failed' | 'silence'>;

/** Conditions of the write, beside the status. */
const stopConditions = (runner: RunnerRecord): Readonly<Record<StopReason, MoveOptions>> => ({
  // From one and the same drain: work that came since its look at the lines has ended that.
  stop: { idle: true, statusSince: runner.statusSince },
  unwanted: { idle: true },
  start_failed: {},
  silence: { silentSince: runner.leaseUntil },
});

/**
 * True when a task may wait in a line that this runner serves. A task that joined a line while the runner was
 * busy counts on this look: the answer by which its agent would have claimed it may be lost.
 */
const isAwaited = async ({ lines }: SleepDeps, runner: RunnerRecord): Promise<boolean> => {
  if (!canServe(runner)) return false;
  for (const queue of queuesOf(runner)) if (await lines.isAwaited(queue)) return true;
  return false;
};

/**
 * Moves a runner to `stopping` and stops its instance. False: the reason no longer holds. An idle runner
 * whose line is not empty stays on, and the reconciler gives it those tasks.
 */
export const stop = async (deps: SleepDeps, runner: RunnerRecord, why: StopReason): Promise<boolean> => {
  if ((why === 'stop' || why === 'unwanted') && (await isAwaited(deps, runner))) {
    const { status, statusSince } = runner;
    if (why === 'stop')
      await deps.runners.move(runner, [status], 'online', deps.now(), {
        statusSince,
        set: { idleSince: deps.now() },
      });
    return false;
  }
  const from = runnerSources(why, 'stopping');
  const conditions = stopConditions(runner)[why];
  const stopping = await deps.runners.move(runner, from, 'stopping', deps.now(), conditions);
  if (stopping) await stopInstance(deps, stopping);
  return stopping !== undefined;
};

/** Stops, hibernates or terminates an instance, by its fleet's setting. False: it is missing or another's. */
const powerOff = async (deps: SleepDeps, runner: RunnerRecord): Promise<boolean> => {
  if ((await notTheirs(deps, runner)) !== undefined) return false;
  const how = powerOffOf(deps.fleets, runner);
  return how === 'terminate'
    ? deps.instances.terminate(runner)
    : deps.instances.stop(runner, { hibernate: how === 'hibernate' });
};

/** Stops the instance of a runner that is `stopping`. Safe to repeat. */
export const stopInstance = async (deps: SleepDeps, runner: RunnerRecord): Promise<void> => {
  if (!isPoweredByStack(runner) || lacksInstance(runner)) return;
  const stopped = await powerOff(deps, runner);
  deps.log.info(stopped ? 'Stopped an instance' : 'There was no instance to stop', {
    runnerId: runner.id,
    instanceId: runner.instanceId,
  });
};
