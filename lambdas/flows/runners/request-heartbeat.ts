/** Makes a runner's agent send its heartbeat now, because the response has news. */
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { controlQueueOf } from '../../core/tasks/routing.ts';
import type { Deps } from '../deps.ts';

/**
 * Sends a message to the runner's own queue. The news is stored already and reaches the agent by its next
 * heartbeat anyway, so a failure is only logged.
 */
export const requestHeartbeat = async (
  deps: Pick<Deps, 'queues' | 'log'>,
  runner: Pick<RunnerRecord, 'id' | 'projectId'>,
): Promise<void> => {
  const queue = controlQueueOf(runner);
  try {
    if (await deps.queues.ring(queue, { heartbeat: true })) return;
    if (await deps.queues.create(queue)) await deps.queues.ring(queue, { heartbeat: true });
  } catch (error) {
    deps.log.error('Could not request a heartbeat', { runnerId: runner.id, error: String(error) });
  }
};
