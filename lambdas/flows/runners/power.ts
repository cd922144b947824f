/** Wakes runners and puts them to sleep: only these flows start, stop and terminate instances of runners. */
import type { StartOutcome } from '../../adapters/runners/instances.ts';
import { type RunnerRecord, withoutInstance } from '../../adapters/runners/runner-record.ts';
import { lacksInstance, powerOffOf } from '../../core/fleets/fleets.ts';
import { whyNotTheirs } from '../../core/runners/instance-owner.ts';
import { nextStatus, runnerSources } from '../../core/runners/runner-state.ts';
import { isWanted } from '../../core/runners/slots.ts';
import { isGone, startFailure } from '../../core/runners/start-failure.ts';
import { isPoweredByStack } from '../../core/tasks/select-runner.ts';
import type { Deps } from '../deps.ts';
import { type LaunchDeps, launchInstance } from '../fleets/launch.ts';
import { failStart } from './failed-start.ts';

export type WakeDeps = LaunchDeps;
export type SleepDeps = Pick<Deps, 'now' | 'log' | 'runners' | 'instances' | 'fleets'>;

/**
 * Starts the instance of a runner with demand, or has its fleet launch one. Idempotent. A runner or instance
 * that is still stopping is left alone: the demand stays, and the runner starts when EC2 reports `stopped`. A
 * start between EC2's stop and its report would leave a running runner that counts as stopping.
 */
export const wake = async (
  deps: WakeDeps,
  runner: RunnerRecord,
  options?: Parameters<typeof launchInstance>[2],
): Promise<void> => {
  if (!isPoweredByStack(runner) || !isWanted(runner) || runner.quarantinedAt) return;
  if (runner.status !== 'starting') return;
  const isLaunched = lacksInstance(runner);
  const outcome = await (isLaunched ? launchInstance(deps, runner, options) : startOwn(deps, runner));
  const about = { runnerId: runner.id, instanceId: runner.instanceId };
  if (outcome.started) {
    if (isLaunched) return;
    deps.log('Started an instance', about);
    if (runner.fault) await deps.runners.setFault(runner, undefined);
    return;
  }
  if (outcome.code === 'moved_on') return;
  if (outcome.code === 'still_stopping') {
    deps.log('The instance is still stopping; it starts again once it has stopped', about);
    return;
  }
  deps.log('EC2 refused to start an instance', { ...about, awsCode: outcome.awsCode });
  if (runner.fleet !== undefined && isGone(outcome.awsCode)) {
    const { statusSince } = runner;
    const set = withoutInstance;
    const bare = await deps.runners.move(runner, ['starting'], 'starting', deps.now(), { statusSince, set });
    return bare && wake(deps, bare);
  }
  const { mayPass, detail } = startFailure(outcome.awsCode, outcome.detail);
  if (mayPass) {
    await deps.runners.setFault(runner, { code: outcome.awsCode, detail, at: deps.now() });
    return;
  }
  await failStart(deps, runner, outcome.awsCode, detail, { mayPass });
};

/** Makes no call for a fleet's runner, as no person chose its instance. */
const notTheirs = async ({ instances }: Pick<Deps, 'instances'>, runner: RunnerRecord) => {
  const facts = runner.fleet === undefined ? await instances.describe(runner) : undefined;
  return facts && whyNotTheirs(runner, facts);
};

const startOwn = async (deps: WakeDeps, runner: RunnerRecord): Promise<StartOutcome> => {
  const awsCode = await notTheirs(deps, runner);
  return awsCode === undefined
    ? deps.instances.start(runner)
    : { started: false, code: 'refused', awsCode, detail: awsCode };
};

/** Starts or stops a runner's instance, as its status requires. */
export const settlePower = async (deps: WakeDeps, runner: RunnerRecord): Promise<void> => {
  if (runner.status === 'starting') await wake(deps, runner);
  if (runner.status === 'draining' || runner.status === 'stopping') await stopDrained(deps, runner);
};

/** Drains an idle runner by decision of the control plane, and stops it. A concurrent claim wins. */
export const putToSleep = async (deps: SleepDeps, runner: RunnerRecord): Promise<void> => {
  const draining = await deps.runners.move(runner, runnerSources('drain'), 'draining', deps.now(), {
    idle: true,
  });
  if (draining) await stopDrained(deps, draining);
};

/** Stops, hibernates or terminates an instance, by its fleet's setting. False: it is missing or another's. */
const powerOff = async (deps: SleepDeps, runner: RunnerRecord): Promise<boolean> => {
  if ((await notTheirs(deps, runner)) !== undefined) return false;
  const how = powerOffOf(deps.fleets, runner);
  return how === 'terminate'
    ? deps.instances.terminate(runner)
    : deps.instances.stop(runner, { hibernate: how === 'hibernate' });
};

/**
 * Stops the instance of a drained runner, or resumes it when work has come meanwhile. Safe to repeat: for a
 * runner that is already `stopping`, only EC2 is called again.
 */
export const stopDrained = async (deps: SleepDeps, runner: RunnerRecord): Promise<void> => {
  if (!isPoweredByStack(runner) || lacksInstance(runner)) return;
  if (nextStatus(runner, 'resume') !== undefined) {
    await deps.runners.move(runner, runnerSources('resume'), 'online', deps.now());
    return;
  }
  const stopping =
    runner.status === 'stopping'
      ? runner
      : await deps.runners.move(runner, runnerSources('stop'), 'stopping', deps.now(), { idle: true });
  if (!stopping) return;
  const stopped = await powerOff(deps, runner);
  deps.log(stopped ? 'Stopped an instance' : 'There was no instance to stop', {
    runnerId: runner.id,
    instanceId: runner.instanceId,
  });
};
