/** Figures of a soak. */
import type { FaultCount } from '../../local/gateway/faults.ts';
import { msBetween, type Task } from '../../protocol/index.ts';
import type { SoakOptions } from './soak.ts';

export interface Run {
  readonly options: SoakOptions;
  readonly tasks: readonly Task[];
  /** Requests for a task that got no task. */
  readonly refused: number;
  readonly counts: readonly FaultCount[];
  readonly kills: Readonly<Record<string, number>>;
  readonly repairs: Readonly<Record<string, number>>;
  /** Time from the end of the faults until all was quiet. */
  readonly settledMs: number;
}

const table = (counts: Readonly<Record<string, number>>): string[] => {
  const rows = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return rows.length === 0
    ? ['  none']
    : rows.map(([what, count]) => `${String(count).padStart(8)}  ${what}`);
};

const countBy = <T>(of: readonly T[], keyOf: (one: T) => string, amountOf: (one: T) => number = () => 1) => {
  const counts: Record<string, number> = {};
  for (const one of of) counts[keyOf(one)] = (counts[keyOf(one)] ?? 0) + amountOf(one);
  return counts;
};

const median = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)] ?? 0;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** Returns the output of `npm run soak`. */
export const describeRun = ({ options, tasks, refused, counts, kills, repairs, settledMs }: Run): string => {
  const amount = ({ count }: FaultCount) => count;
  const waits = tasks
    .flatMap(({ createdAt, startedAt }) => (startedAt === undefined ? [] : [msBetween(createdAt, startedAt)]))
    .sort((a, b) => a - b);
  const atOnce = tasks.flatMap(({ attempt, createdAt, startedAt }) =>
    attempt > 1 || startedAt === undefined ? [] : [msBetween(createdAt, startedAt)],
  );
  const { reconcileSeconds, seed } = options;
  return [
    `Tasks: ${tasks.length}, in ${tasks.reduce((sum, { attempt }) => sum + attempt, 0)} attempts; ${refused} requests for a task failed`,
    ...table(countBy(tasks, ({ status }) => status)),
    `Faults in AWS calls: ${counts.reduce((sum, { count }) => sum + count, 0)}`,
    ...table(countBy(counts, ({ kind }) => kind, amount)),
    ...table(countBy(counts, ({ service, operation }) => `${service} ${operation}`, amount)),
    'Kills (SIGKILL of agents, workers ended in mid-flight)',
    ...table(kills),
    `Repairs by the reconciler (each minute${reconcileSeconds > 0 ? `, and each ${reconcileSeconds} s besides` : ''})`,
    ...table(repairs),
    `Queue to running: median ${seconds(median(waits))}, of first attempts ${seconds(median(atOnce.sort((a, b) => a - b)))}; longest ${seconds(waits.at(-1) ?? 0)}`,
    `Quiet ${seconds(settledMs)} after the last fault`,
    `Seed: ${seed}`,
  ].join('\n');
};
