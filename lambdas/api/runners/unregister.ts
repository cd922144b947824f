/** Removes a runner at the request of its own machine, which is up at that time. */
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { openSessionFacts } from '../../core/costs/cost.ts';
import { isAwake } from '../../core/runners/runner-state.ts';
import type { ApiDeps } from '../deps.ts';
import { removeNamed } from './new-runner.ts';

/**
 * Removes a runner that no task holds or waits for, and records the cost of its instance up to now. The
 * instance stays as it is; from here on its operator manages it. Returns false when there are tasks.
 */
export const unregister = async (deps: ApiDeps, runner: RunnerRecord): Promise<boolean> => {
  const now = deps.now();
  const retired = isAwake(runner.status)
    ? await deps.runners.move(runner, [runner.status], 'offline', now, { idle: true })
    : runner;
  if (!retired) return false;
  const session = openSessionFacts(retired, deps.region);
  if (session) await deps.sessions.put({ ...session, endedAt: now });
  return removeNamed(deps, retired);
};
