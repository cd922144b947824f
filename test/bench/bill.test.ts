import { describe, expect, it } from 'vitest';
import { type BilledRun, billOf, recipeRuns } from './recipe.ts';
import { replayTrace } from './replay-trace.ts';
import { firstDays, parseTrace, type TracedTask } from './trace.ts';

const task = (tag: string, arrivalS: number, runS: number): TracedTask => ({
  arrivalMs: arrivalS * 1000,
  runMs: runS * 1000,
  tag,
});

/** An instance runs 14.15 s after a task's arrival, and its agent is online 8 s later. A stop takes 22 s. */
const tasks: readonly TracedTask[] = [
  // Within the minute that the first start bills.
  task('cron', 0, 10),
  task('cron', 60, 20),
  // A second more than a minute.
  task('cron', 3000, 53),
  // While the instance stops, and between one task's claim and the previous task's finish.
  task('cron', 3080, 1),
  task('cron', 3120, 50),
  // Immediately, on one instance.
  task('push', 1000, 100),
  task('push', 1000, 300),
  // Exactly one minute.
  task('push', 2000, 52),
];

/** Spans from `from` to `to` in seconds, in order of their begin. */
const spans = (runs: readonly BilledRun[]) =>
  runs
    .map(({ runningMs, stoppingMs }) => [runningMs / 1000, stoppingMs / 1000])
    .sort(([one = 0], [other = 0]) => one - other);

const later = [
  [1014.15, 1322.15],
  [2014.15, 2074.15],
  [3014.15, 3075.15],
  [3111.15, 3170.15],
];

describe('parseTrace', () => {
  it('reads tasks in the order of arrival', () => {
    const text = 'arrival_s,duration_s,tag\n864000,61,push\n0,5,cron\n';
    expect(parseTrace(text)).toEqual([task('cron', 0, 5), task('push', 864_000, 61)]);
    expect(firstDays(parseTrace(text), 10)).toEqual([task('cron', 0, 5)]);
  });

  it('names the line that is not a task', () => {
    expect(() => parseTrace('arrival_s,duration_s,tag\n0,5,cron\n9,-1,cron\n')).toThrow('Line 3 is not');
    expect(() => parseTrace('arrival_s,duration_s,tag\n')).toThrow('lines of tasks below');
  });
});

describe('the bill of a trace', () => {
  it('counts one start for tasks within the minute that EC2 bills anyway', async () => {
    const { runs, recordedSeconds } = await replayTrace(tasks);
    expect(spans(runs)).toEqual([[14.15, 80.15], ...later]);
    expect(billOf(runs)).toBe(66 + 308 + 60 + 61 + 60);
    // Reveille's records count from the launch, 14 s before EC2 bills.
    expect(recordedSeconds).toBe(billOf(runs) + 4 * 14 + 13);
  });

  it('counts, by the recipe, a start for each task that overlaps with no other', () => {
    const runs = recipeRuns(tasks);
    expect(spans(runs)).toEqual([[14.15, 32.15], [74.15, 102.15], ...later]);
    expect(billOf(runs)).toBe(60 + 60 + 308 + 60 + 61 + 60);
  });

  it('equals that of the recipe with an idle timeout of 0', async () => {
    const some = tasks.filter(({ tag }) => tag === 'cron');
    const { runs } = await replayTrace(some, 0);
    expect(spans(runs)).toEqual(spans(recipeRuns(some)));
  });
});
