/** Failed starts: counts them, shows them, retries them, and gives up after too many in a row. */
import type { RunnerStatus } from '../../../protocol/index.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { failedStartsAllowed } from '../../core/runners/start-failure.ts';
import type { Deps } from '../deps.ts';

/**
 * Counts a failed start. At the last allowed one, or when a retry can't help, the runner is quarantined:
 * tasks go elsewhere, and its owner sees why. `to`: its new status, in the same write, since a crash between
 * two would give an instance whose agent does not come up another five minutes. Undefined when the runner has
 * moved on meanwhile.
 */
export const failStart = async (
  deps: Pick<Deps, 'now' | 'log' | 'runners'>,
  runner: RunnerRecord,
  code: string,
  detail: string,
  { mayPass = true, to = runner.status }: { readonly mayPass?: boolean; readonly to?: RunnerStatus } = {},
): Promise<RunnerRecord | undefined> => {
  const failedStarts = (runner.failedStarts ?? 0) + 1;
  const isQuarantined = !mayPass || failedStarts >= failedStartsAllowed;
  const at = deps.now();
  const failed = await deps.runners.failStart(runner, { code, detail, at }, failedStarts, isQuarantined, to);
  deps.log.warn(isQuarantined ? 'A runner is in quarantine' : 'A start came to nothing', {
    runnerId: runner.id,
    code,
    failedStarts,
  });
  return failed;
};
