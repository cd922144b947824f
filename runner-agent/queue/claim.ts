/** Claims a task from the API when a doorbell rang, and starts the task that the API returns. */
import type { ClaimRequest, ClaimResponse } from '../../protocol/agent.ts';
import type { AgentApi } from '../agent-api.ts';
import { ApiProblem, ApiUnreachable, messageOf, RunnerRefused } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { retry } from '../retry.ts';
import type { HeldTask, HeldTasks } from '../task/held-tasks.ts';
import type { Timing } from '../timing.ts';
import type { ClaimHint, ClaimOutcome } from './poller.ts';

export interface ClaimerOptions {
  api: Pick<AgentApi, 'claim'>;
  held: HeldTasks;
  /** Resolves when the runner is online. Earlier claims are refused. */
  online: Promise<unknown>;
  /** Resolves when no heartbeat is under way. */
  heartbeatSettled(): Promise<unknown>;
  /** Returns whether the disk has room for one more task. If not, it also informs the control plane. */
  hasRoom(): Promise<boolean>;
  attend(task: HeldTask, claim: ClaimResponse): Promise<void>;
  onFatal(error: RunnerRefused): void;
  timing: Timing;
  log: Logger;
}

/** Tries for about five seconds. */
const maxTries = 6;

export const createClaimer =
  ({ api, held, online, heartbeatSettled, hasRoom, attend, onFatal, timing, log }: ClaimerOptions) =>
  async (task: HeldTask, hint: ClaimHint = {}): Promise<ClaimOutcome> => {
    /** Retries until answered. The task may already be ours: forgetting it would cost it an attempt. */
    const claimUntilAnswered = (request: ClaimRequest): Promise<ClaimResponse> =>
      retry((tries) => api.claim(tries === 1 ? request : { ...request, again: true }), {
        isFinal: (error, tries) => !(error instanceof ApiUnreachable) || tries === maxTries,
        timing,
        baseMs: 100,
        maxMs: 2000,
      });
    const { projectId, taskId } = task;
    let mine = task;
    try {
      await online;
      if (!(await hasRoom())) {
        held.remove(task);
        return 'later';
      }
      // A heartbeat that was sent without this task and arrives after the claim would report the task as
      // forgotten.
      await heartbeatSettled();
      task.markClaimSent();
      const sentAt = timing.now();
      const claim = await claimUntilAnswered({ ...hint, projectId, taskId });
      // A second copy of a doorbell may return the task of the first. A task that is ending here must end
      // first.
      const known = held.get(claim.taskId);
      const isEnding = known && known !== task && known.attempt() !== undefined;
      // An answer may arrive after the task that it gives again has ended here.
      if (isEnding || held.isDone(claim.taskId)) {
        held.remove(task);
        return 'another';
      }
      mine = held.replace(task, claim.projectId, claim.taskId);
      mine.grant(claim.attempt, claim.lease, timing.now() - sentAt);
      void attend(mine, claim).finally(() => held.remove(mine));
      return claim.taskId === taskId || claim.forget ? 'claimed' : 'another';
    } catch (error) {
      held.remove(mine);
      if (error instanceof RunnerRefused) onFatal(error);
      if (error instanceof ApiProblem && error.code === 'not_claimable') return 'gone';
      log.info(`Task ${taskId} not claimed: ${messageOf(error)}`);
      return 'later';
    }
  };
