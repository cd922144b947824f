/**
 * Recipe that Reveille's default is measured against: start the instance at a task's start, stop it at its
 * finish.
 * Where the recipe leaves room, this reading has the smallest bill:
 * - each tag has one instance; a task that arrives while the instance is on, or starting, runs on it in
 * parallel;
 * - the stop comes when the last task finishes, so it never ends another task;
 * - a task that arrives while the instance stops is not lost: the instance starts once it has stopped.
 */
import { billedSeconds } from '../../lambdas/core/costs/cost.ts';
import { sum } from '../../lambdas/core/costs/sum.ts';
import { claimAfterMs, onlineAfterMs, runningAfterMs, stoppedAfterMs } from '../../local/sample/replay.ts';
import { toInstant } from '../../protocol/index.ts';
import type { TracedTask } from './trace.ts';

/** A billed run of an instance: from `running` to `stopping`. */
export interface BilledRun {
  readonly runningMs: number;
  readonly stoppingMs: number;
}

/** Seconds that EC2 bills for these runs: each is rounded up, and at least 60. */
export const billOf = (runs: readonly BilledRun[]): number =>
  sum(runs.map(({ runningMs, stoppingMs }) => billedSeconds(toInstant(runningMs), toInstant(stoppingMs))));

/** Runs of one tag. `tasks` are in the order of arrival. */
const runsOfTag = (tasks: readonly TracedTask[]): BilledRun[] => {
  const runs: BilledRun[] = [];
  for (const { arrivalMs, runMs } of tasks) {
    const last = runs.at(-1);
    if (last && arrivalMs <= last.stoppingMs) {
      const claimedMs = Math.max(arrivalMs + claimAfterMs, last.runningMs + onlineAfterMs);
      const stoppingMs = Math.max(last.stoppingMs, claimedMs + runMs);
      runs[runs.length - 1] = { ...last, stoppingMs };
      continue;
    }
    const stoppedMs = last ? last.stoppingMs + stoppedAfterMs : 0;
    const runningMs = Math.max(arrivalMs + claimAfterMs, stoppedMs) + runningAfterMs;
    runs.push({ runningMs, stoppingMs: runningMs + onlineAfterMs + runMs });
  }
  return runs;
};

/** Runs of all instances by the recipe. `tasks` are in the order of arrival. */
export const recipeRuns = (tasks: readonly TracedTask[]): BilledRun[] =>
  [...Map.groupBy(tasks, ({ tag }) => tag).values()].flatMap(runsOfTag);
