/** A runner that is away takes no tasks: those that are assigned to it go elsewhere. */
import type { RunnerStatus } from '../../../protocol/index.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { type AssignDeps, assignAgain } from '../tasks/assign.ts';
import { refsOf } from '../tasks/held-tasks.ts';

/**
 * Takes its assigned tasks from a runner, records that it is away, and assigns the tasks again. Undefined
 * when it is not: a task runs on it, or came to it meanwhile.
 */
export const leaveRunner = async (
  deps: AssignDeps,
  runner: RunnerRecord,
  from: readonly RunnerStatus[],
  to: 'offline' | 'stopped',
): Promise<RunnerRecord | undefined> => {
  const refs = refsOf(runner, runner.assigned);
  for (const ref of refs) await deps.runners.unassign(runner, ref);
  const left = await deps.runners.leave(runner, from, to, deps.now());
  await assignAgain(deps, refs);
  return left;
};
