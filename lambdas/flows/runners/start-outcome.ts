/** Settles what EC2 answered to a start: the runner's fault, a failed start, or a launch in its place. */

import { type RunnerRecord, withoutInstance } from '../../adapters/runners/runner-record.ts';
import type { StartOutcome } from '../../adapters/runners/start-instances.ts';
import { lacksInstance } from '../../core/fleets/fleets.ts';
import { isGone, startFailure } from '../../core/runners/start-failure.ts';
import { type LaunchDeps, launchInstance } from '../fleets/launch.ts';
import { failStart } from './failed-start.ts';

/** Has the runner's fleet launch an instance. */
export const launchFor = async (
  deps: LaunchDeps,
  runner: RunnerRecord,
  options?: Parameters<typeof launchInstance>[2],
): Promise<void> => {
  const outcome = await launchInstance(deps, runner, options);
  if (outcome.started || outcome.code === 'moved_on') return;
  await settleStart(deps, runner, outcome);
};

/** Settles the start of a runner that is `starting`. A fleet's runner whose instance is gone gets another. */
export const settleStart = async (
  deps: LaunchDeps,
  runner: RunnerRecord,
  outcome: StartOutcome,
): Promise<void> => {
  const about = { runnerId: runner.id, instanceId: runner.instanceId };
  if (outcome.started) {
    deps.log.info('Started an instance', about);
    if (runner.fault) await deps.runners.setFault(runner, undefined);
    return;
  }
  if (outcome.code === 'still_stopping') {
    deps.log.info('The instance is still stopping; it starts again once it has stopped', about);
    return;
  }
  deps.log.warn('EC2 refused to start an instance', { ...about, awsCode: outcome.awsCode });
  if (runner.fleet !== undefined && !lacksInstance(runner) && isGone(outcome.awsCode)) {
    const { statusSince } = runner;
    const set = withoutInstance;
    const bare = await deps.runners.move(runner, ['starting'], 'starting', deps.now(), { statusSince, set });
    return bare && launchFor(deps, bare);
  }
  const { mayPass, detail } = startFailure(outcome.awsCode, outcome.detail);
  if (mayPass) {
    await deps.runners.setFault(runner, { code: outcome.awsCode, detail, at: deps.now() });
    return;
  }
  await failStart(deps, runner, outcome.awsCode, detail, { mayPass });
};
