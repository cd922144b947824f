/** Starts and results of the sample's tasks: the same plan for the same day and random numbers. */
import type { Commit } from '../../protocol/index.ts';
import type { SampleTemplate } from './seed-data.ts';

export interface PlannedTask {
  readonly template: SampleTemplate;
  readonly startMs: number;
  readonly runMs: number;
  readonly succeeds: boolean;
  /** User who started the task; undefined for its schedule. */
  readonly by: string | undefined;
  readonly commit: Commit | undefined;
}

const dayMs = 86_400_000;
const hourMs = 3_600_000;
export const sampleDays = 7;

const isWeekend = (dayStartMs: number): boolean => [0, 6].includes(new Date(dayStartMs).getUTCDay());

/**
 * Plans the tasks of the week that ended at `nowMs`, in the order of their starts. `random` returns numbers
 * from 0 to 1.
 */
export const planWeek = (
  templates: readonly SampleTemplate[],
  nowMs: number,
  random: () => number,
): PlannedTask[] => {
  const between = (least: number, most: number) => least + random() * (most - least);
  const today = nowMs - (nowMs % dayMs);
  const planned: PlannedTask[] = [];
  for (let day = sampleDays; day >= 0; day -= 1) {
    const dayStartMs = today - day * dayMs;
    for (const template of templates) {
      const { perDay, isNightly = false, by, commits = [], seconds, failureRate } = template;
      const most = isNightly || !isWeekend(dayStartMs) ? perDay * 1.5 : perDay * 0.3;
      const starts = isNightly ? perDay : Math.round(between(most * 0.3, most));
      for (let made = 0; made < starts; made += 1) {
        const hour = isNightly ? 2 : between(7, 18);
        planned.push({
          template,
          startMs: Math.round(dayStartMs + hour * hourMs),
          runMs: Math.round(between(...seconds) * 1000),
          succeeds: random() >= failureRate,
          by: by[Math.floor(random() * by.length)],
          commit: commits[Math.floor(((sampleDays - day) / (sampleDays + 1)) * commits.length)],
        });
      }
    }
  }
  const isPast = ({ startMs, runMs }: PlannedTask) =>
    startMs + runMs + hourMs < nowMs && startMs > nowMs - sampleDays * dayMs;
  return planned.filter(isPast).sort((one, other) => one.startMs - other.startMs);
};
