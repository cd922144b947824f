/** Waking and putting to sleep: the only flows that start and stop instances. */
import type { RunnerRecord } from '../adapters/runners.ts';
import { isPoweredByStack } from '../core/choice.ts';
import { nextStatus, runnerSources } from '../core/runner-state.ts';
import { isWanted } from '../core/slots.ts';
import { startFailure } from '../core/start-failure.ts';
import type { Deps } from './deps.ts';
import { failStart } from './failed-start.ts';

export type WakeDeps = Pick<Deps, 'now' | 'log' | 'runners' | 'instances'>;

/**
 * Starts the instance of a runner that is wanted. Idempotent. A runner or instance that is still stopping is left: the
 * demand stays, and the runner is started when EC2 says `stopped`. Starting it in the moment between EC2's stop and EC2's
 * word of it would leave a runner that runs and is taken for one that stops.
 */
export const wake = async (deps: WakeDeps, runner: RunnerRecord): Promise<void> => {
  if (!isPoweredByStack(runner) || !isWanted(runner) || runner.quarantinedAt) return;
  if (runner.status !== 'starting') return;
  const outcome = await deps.instances.start(runner);
  const about = { runnerId: runner.id, instanceId: runner.instanceId };
  if (outcome.started) {
    deps.log('Started an instance', about);
    if (runner.fault) await deps.runners.setFault(runner, undefined);
    return;
  }
  if (outcome.code === 'still_stopping') {
    deps.log('The instance is still stopping; it starts again once it has stopped', about);
    return;
  }
  deps.log('EC2 refused to start an instance', { ...about, awsCode: outcome.awsCode });
  const { mayPass, detail } = startFailure(outcome.awsCode, outcome.detail);
  if (mayPass) {
    await deps.runners.setFault(runner, { code: outcome.awsCode, detail, at: deps.now() });
    return;
  }
  await failStart(deps, runner, outcome.awsCode, detail, { mayPass });
};

/** Starts or stops a runner's instance, as its status says: what is done when its power is rung for. */
export const settlePower = async (deps: WakeDeps, runner: RunnerRecord): Promise<void> => {
  if (runner.status === 'starting') await wake(deps, runner);
  if (runner.status === 'draining' || runner.status === 'stopping') await stopDrained(deps, runner);
};

/** Drains an idle runner by the control plane's own decision, and stops it. A claim that comes first wins. */
export const putToSleep = async (deps: WakeDeps, runner: RunnerRecord): Promise<void> => {
  const draining = await deps.runners.move(runner, runnerSources('drain'), 'draining', deps.now(), {
    idle: true,
  });
  if (draining) await stopDrained(deps, draining);
};

/**
 * Stops the instance of a drained runner, or lets it go on when work has come meanwhile. Safe to repeat: a runner that is
 * `stopping` already is only told to EC2 again.
 */
export const stopDrained = async (deps: WakeDeps, runner: RunnerRecord): Promise<void> => {
  if (!isPoweredByStack(runner)) return;
  if (nextStatus(runner, 'resume') !== undefined) {
    await deps.runners.move(runner, runnerSources('resume'), 'online', deps.now());
    return;
  }
  const stopping =
    runner.status === 'stopping'
      ? runner
      : await deps.runners.move(runner, runnerSources('stop'), 'stopping', deps.now(), { idle: true });
  if (!stopping) return;
  const stopped = await deps.instances.stop(runner);
  deps.log(stopped ? 'Stopped an instance' : 'There was no instance to stop', {
    runnerId: runner.id,
    instanceId: runner.instanceId,
  });
};
