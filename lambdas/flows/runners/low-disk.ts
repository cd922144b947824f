/** A runner with a low disk takes no task: waiting tasks go elsewhere, and return when there is room. */
import type { HeartbeatRequest } from '../../../protocol/index.ts';
import { poolOf, type RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { runnerSources } from '../../core/runners/runner-state.ts';
import { queuesOf } from '../../core/tasks/routing.ts';
import { type AssignDeps, assignAgain } from '../tasks/assign.ts';
import { refsOf } from '../tasks/held-tasks.ts';
import { assignFromLines } from '../tasks/line.ts';

/** Records the disk state of a heartbeat; returns the updated runner. */
export const recordDisk = async (
  deps: AssignDeps,
  runner: RunnerRecord,
  { lowDisk: shortage, claims }: Pick<HeartbeatRequest, 'lowDisk' | 'claims'>,
): Promise<RunnerRecord> => {
  if (!shortage) {
    if (!runner.lowDisk) return runner;
    deps.log.info('A runner has room on its disk again', { runnerId: runner.id });
    return (await deps.runners.setLowDisk(runner, undefined)) ?? runner;
  }
  // An agent that knows claims was only cut off: a restart of its machine may still help.
  const atStart = runnerSources('heartbeat').includes(runner.status) && claims === undefined;
  if (runner.lowDisk && (runner.lowDisk.atStart || !atStart)) return runner;
  deps.log.warn('The disk of a runner is low', { runnerId: runner.id, ...shortage, atStart });
  return (await deps.runners.setLowDisk(runner, { ...shortage, at: deps.now(), atStart })) ?? runner;
};

/**
 * Reassigns the tasks affected by the change from `before` to `after`; after a crash the reconciler does.
 */
export const followDisk = async (
  deps: AssignDeps,
  before: RunnerRecord,
  after: RunnerRecord,
): Promise<RunnerRecord> => {
  const [was, is] = [before.lowDisk, after.lowDisk];
  if (was?.at === is?.at && was?.atStart === is?.atStart) return after;
  await (is ? assignAgain(deps, refsOf(after, after.assigned)) : assignFromLines(deps, queuesOf(after)));
  return (await deps.runners.get(poolOf(after), after.id)) ?? after;
};
