/**
 * The recipe that Reveille's default is measured against: start the instance at a task's start, stop it at its finish.
 * Where the recipe leaves room, the reading is the one with the smallest bill:
 * - each tag has one instance, and a task that comes while it is on, or comes up, runs on it beside the others at once;
 * - the stop comes at the moment in which the last task on it finishes, so it never ends another task;
 * - a task that comes while the instance stops is not lost: the instance starts as soon as it has stopped.
 */
import { billedSeconds } from '../../lambdas/core/costs/cost.ts';
import { sum } from '../../lambdas/core/costs/sum.ts';
import { claimAfterMs, onlineAfterMs, runningAfterMs, stoppedAfterMs } from '../../local/sample/replay.ts';
import { toInstant } from '../../protocol/index.ts';
import type { TracedTask } from './trace.ts';

/** A run of an instance as EC2 bills it: from `running` to `stopping`. */
export interface BilledRun {
  readonly runningMs: number;
  readonly stoppingMs: number;
}

/** Seconds that EC2 bills for these runs: each rounded up, and 60 at least. */
export const billOf = (runs: readonly BilledRun[]): number =>
  sum(runs.map(({ runningMs, stoppingMs }) => billedSeconds(toInstant(runningMs), toInstant(stoppingMs))));

/** `tasks` of one tag, the first to arrive first. */
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

/** The runs of all instances by the recipe. `tasks` in the order of arrival. */
export const recipeRuns = (tasks: readonly TracedTask[]): BilledRun[] =>
  [...Map.groupBy(tasks, ({ tag }) => tag).values()].flatMap(runsOfTag);
