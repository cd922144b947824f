/** A runner whose disk is low takes no task: what waits for it goes elsewhere, and comes back when there is room. */
import type { HeartbeatRequest } from '../../../protocol/index.ts';
import { poolOf, type RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { runnerSources } from '../../core/runners/runner-state.ts';
import { queuesOf } from '../../core/tasks/routing.ts';
import { type PlaceDeps, placeWaiting } from '../tasks/assign.ts';

/** Records what a heartbeat of the runner says of its disk; answers with the runner as it is then. */
export const recordDisk = async (
  deps: PlaceDeps,
  runner: RunnerRecord,
  { lowDisk: shortage, claims }: Pick<HeartbeatRequest, 'lowDisk' | 'claims'>,
): Promise<RunnerRecord> => {
  if (!shortage) {
    if (!runner.lowDisk) return runner;
    deps.log('A runner has room on its disk again', { runnerId: runner.id });
    return (await deps.runners.setLowDisk(runner, undefined)) ?? runner;
  }
  // An agent that knows of claims was only cut off: starting its machine anew may still help.
  const atStart = runnerSources('heartbeat').includes(runner.status) && claims === undefined;
  if (runner.lowDisk && (runner.lowDisk.atStart || !atStart)) return runner;
  deps.log('The disk of a runner is low', { runnerId: runner.id, ...shortage, atStart });
  return (await deps.runners.setLowDisk(runner, { ...shortage, at: deps.now(), atStart })) ?? runner;
};

/** Places anew what the change from `before` to `after` concerns. What is cut off here, the reconciler does. */
export const followDisk = async (
  deps: PlaceDeps,
  before: RunnerRecord,
  after: RunnerRecord,
): Promise<RunnerRecord> => {
  const [was, is] = [before.lowDisk, after.lowDisk];
  if (was?.at === is?.at && was?.atStart === is?.atStart) return after;
  const concerns = is ? after.id : undefined;
  await placeWaiting(deps, queuesOf(after), (task) => task.runnerId === concerns);
  return (await deps.runners.get(poolOf(after), after.id)) ?? after;
};
