/** Asks the API for a task when a doorbell rang, and starts the one that is given. */
import type { ClaimRequest, ClaimResponse } from '../../protocol/agent.ts';
import type { AgentApi } from '../agent-api.ts';
import { backoffMs } from '../backoff.ts';
import { ApiProblem, ApiUnreachable, messageOf, RunnerRefused } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { HeldTask, HeldTasks } from '../task/held-tasks.ts';
import type { Timing } from '../timing.ts';
import type { ClaimHint, ClaimOutcome } from './poller.ts';

export interface ClaimerOptions {
  api: Pick<AgentApi, 'claim'>;
  held: HeldTasks;
  /** Resolves when the runner is online; a claim before that is refused. */
  online: Promise<unknown>;
  /** Resolves when no heartbeat is under way. */
  heartbeatSettled(): Promise<unknown>;
  /** Whether the disk has room for one more task; it has the control plane told when not. */
  hasRoom(): Promise<boolean>;
  attend(task: HeldTask, claim: ClaimResponse): Promise<void>;
  onFatal(error: RunnerRefused): void;
  timing: Timing;
  log: Logger;
}

/** For about five seconds. */
const maxTries = 6;

export const createClaimer =
  ({ api, held, online, heartbeatSettled, hasRoom, attend, onFatal, timing, log }: ClaimerOptions) =>
  async (task: HeldTask, hint: ClaimHint = {}): Promise<ClaimOutcome> => {
    /** Without an answer the task may be ours: forgetting it then would cost it an attempt. */
    const claimUntilAnswered = async (request: ClaimRequest): Promise<ClaimResponse> => {
      for (let failures = 1; ; failures += 1) {
        try {
          return await api.claim(failures === 1 ? request : { ...request, again: true });
        } catch (error) {
          if (!(error instanceof ApiUnreachable) || failures === maxTries) throw error;
          await timing.sleep(backoffMs(failures, timing.random(), { baseMs: 100, maxMs: 2000 }));
        }
      }
    };
    const { projectId, taskId } = task;
    let mine = task;
    try {
      await online;
      if (!(await hasRoom())) {
        held.remove(task);
        return 'later';
      }
      // One that was sent without this task and arrives after the claim would say that the agent has forgotten it.
      await heartbeatSettled();
      task.askFor();
      const askedAt = timing.now();
      const claim = await claimUntilAnswered({ ...hint, projectId, taskId });
      // A second copy of a doorbell may be answered with what the first was given; and what is ending here must end first.
      const known = held.get(claim.taskId);
      if (known && known !== task && known.attempt() !== undefined) {
        held.remove(task);
        return 'another';
      }
      mine = held.exchange(task, claim.projectId, claim.taskId);
      mine.grant(claim.attempt, claim.lease, timing.now() - askedAt);
      void attend(mine, claim).finally(() => held.remove(mine));
      return claim.taskId === taskId ? 'claimed' : 'another';
    } catch (error) {
      held.remove(mine);
      if (error instanceof RunnerRefused) onFatal(error);
      if (error instanceof ApiProblem && error.code === 'not_claimable') return 'gone';
      log.info(`Task ${taskId} not claimed: ${messageOf(error)}`);
      return 'later';
    }
  };
