/** Starts that came to nothing: counted, said, tried again, and given up after too many in a row. */
import type { RunnerRecord } from '../adapters/runners.ts';
import { failedStartsAllowed } from '../core/start-failure.ts';
import type { Deps } from './deps.ts';

/**
 * Counts a start that came to nothing. With the last that is allowed, or when trying again can't help, the runner is in
 * quarantine: tasks go elsewhere, and its owner sees why. Undefined when the runner has moved on meanwhile.
 */
export const failStart = async (
  deps: Pick<Deps, 'now' | 'log' | 'runners'>,
  runner: RunnerRecord,
  code: string,
  detail: string,
  { mayPass = true } = {},
): Promise<RunnerRecord | undefined> => {
  const failedStarts = (runner.failedStarts ?? 0) + 1;
  const isQuarantined = !mayPass || failedStarts >= failedStartsAllowed;
  const at = deps.now();
  const failed = await deps.runners.failStart(runner, { code, detail, at }, failedStarts, isQuarantined);
  deps.log(isQuarantined ? 'A runner is in quarantine' : 'A start came to nothing', {
    runnerId: runner.id,
    code,
    failedStarts,
  });
  return failed;
};
