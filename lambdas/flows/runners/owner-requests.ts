/** Requests of an owner about a runner: drain, resume, sleep, wake. */

import { isIdle, isPoweredByStack } from '../../../protocol/index.ts';
import { poolOf, type RunnerRecord, type RunnerRef } from '../../adapters/runners/runner-record.ts';
import { queuesOf } from '../../core/tasks/routing.ts';
import type { Deps } from '../deps.ts';
import { type AssignDeps, assignAgain } from '../tasks/assign.ts';
import { refsOf } from '../tasks/held-tasks.ts';
import { assignFromLines } from '../tasks/line.ts';
import { putToSleepSoon, type SoonDeps, wakeSoon } from './power.ts';
import { requestHeartbeat } from './request-heartbeat.ts';

/**
 * Stops a runner from taking tasks. Its tasks finish there or are handed back, by each template's setting,
 * and waiting ones go elsewhere. Undefined when it is asleep, and so has nothing to drain.
 */
export const drainRunner = async (
  deps: AssignDeps,
  runner: RunnerRecord,
): Promise<RunnerRecord | undefined> => {
  const draining = await deps.runners.requestDrain(runner, deps.now());
  if (!draining) return undefined;
  await requestHeartbeat(deps, draining);
  await assignAgain(deps, refsOf(draining, draining.assigned));
  return deps.runners.get(poolOf(runner), runner.id);
};

/** Tries for an idle runner: a claim that fails holds a slot for a moment. */
const sleepTries = 3;

/**
 * Puts an idle runner to sleep now, whatever its idle timeout; as with its agent's own drain, the same
 * function stops the instance. Undefined when it has a task, or is not online.
 */
export const sleepRunner = async (
  deps: SoonDeps & Pick<Deps, 'queues'>,
  runner: RunnerRef,
): Promise<RunnerRecord | undefined> => {
  for (let tries = 0; tries < sleepTries; tries++) {
    const draining = await putToSleepSoon(deps, runner);
    if (draining) {
      await requestHeartbeat(deps, draining);
      return draining;
    }
    const now = await deps.runners.get(poolOf(runner), runner.id);
    if (now?.status !== 'online' || !isIdle(now)) return undefined;
  }
  return undefined;
};

/**
 * Starts a runner's instance without a task. From then on it is like any other that is starting: retried when
 * EC2 refuses or its agent does not come, and quarantined after too many tries; once online it stays on for
 * its idle timeout. A runner that is up stays up; one that is stopping starts again afterwards. Undefined
 * when it may not be started, or is not powered by this stack.
 */
export const wakeRunner = async (
  deps: SoonDeps & Pick<Deps, 'queues'>,
  runner: RunnerRecord,
): Promise<RunnerRecord | undefined> => {
  if (!isPoweredByStack(runner)) return undefined;
  if (runner.status === 'online') return runner;
  const woken = await wakeSoon(deps, runner);
  // Its agent was about to drain.
  if (woken?.status === 'online') await requestHeartbeat(deps, woken);
  return woken;
};

/** Lets a runner take tasks again. Undefined when it is removed. */
export const resumeRunner = async (
  deps: AssignDeps,
  runner: RunnerRecord,
): Promise<RunnerRecord | undefined> => {
  const resumed = await deps.runners.requestDrain(runner, undefined);
  if (!resumed) return undefined;
  await requestHeartbeat(deps, resumed);
  await assignFromLines(deps, queuesOf(resumed));
  return deps.runners.get(poolOf(runner), runner.id);
};
