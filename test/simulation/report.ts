/** Sums of many runs, and their output. */
import type { RunResult } from './random-run.ts';
import { possibleChanges } from './watch.ts';

const add = (sums: Record<string, number>, more: Readonly<Record<string, number>>) => {
  for (const [kind, count] of Object.entries(more)) sums[kind] = (sums[kind] ?? 0) + count;
};

const table = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([kind, count]) => `  ${String(count).padStart(9)}  ${kind}`)
    .join('\n');

const seconds = (ms: number) => `${Math.round(ms / 1000)} s`;

export const createTally = () => {
  const faults: Record<string, number> = {};
  const repairs: Record<string, number> = {};
  const sums = { runs: 0, tasks: 0, succeeded: 0, starts: 0, stops: 0, virtualMs: 0 };
  const longest = {
    waitMs: 0,
    waitSeed: 0,
    idleMs: 0,
    idleSeed: 0,
    overtaken: 0,
    overtakenSeed: 0,
    billMs: 0,
    billSeed: 0,
  };
  const changes = new Set<string>();
  const failed: RunResult[] = [];
  return {
    failed,
    add: (result: RunResult) => {
      sums.runs += 1;
      sums.tasks += result.tasks;
      sums.succeeded += result.succeeded;
      sums.starts += result.starts;
      sums.stops += result.stops;
      sums.virtualMs += result.virtualMs;
      add(faults, result.faults);
      add(repairs, result.repairs);
      for (const change of result.changes) changes.add(change);
      if (result.longestWaitMs > longest.waitMs) {
        longest.waitMs = result.longestWaitMs;
        longest.waitSeed = result.seed;
      }
      if (result.longestIdleOverrunMs > longest.idleMs) {
        longest.idleMs = result.longestIdleOverrunMs;
        longest.idleSeed = result.seed;
      }
      if (result.mostOvertaken > longest.overtaken) {
        longest.overtaken = result.mostOvertaken;
        longest.overtakenSeed = result.seed;
      }
      if (result.latestBillMs > longest.billMs) {
        longest.billMs = result.latestBillMs;
        longest.billSeed = result.seed;
      }
      if (result.violations.length > 0) failed.push(result);
    },
    print: (write: (line: string) => void, tookMs: number) => {
      const total = Object.values(faults).reduce((sum, count) => sum + count, 0);
      write(`Faults: ${total}\n${table(faults)}\n\nRepairs by the reconciler:\n${table(repairs)}\n`);
      write(
        `Runs             ${sums.runs}, ${(sums.virtualMs / 3_600_000).toFixed(0)} hours of virtual time`,
      );
      write(`Tasks            ${sums.tasks}, of which ${sums.succeeded} succeeded`);
      write(`Instance starts  ${sums.starts}`);
      write(`Instance stops   ${sums.stops}`);
      write(`Longest wait     ${seconds(longest.waitMs)} (seed ${longest.waitSeed})`);
      write(`Longest overrun  ${seconds(longest.idleMs)} beyond its idle timeout (seed ${longest.idleSeed})`);
      write(
        `Most overtaken   by ${longest.overtaken} tasks of others, in the global pool (seed ${longest.overtakenSeed})`,
      );
      write(`Bill, at most    ${seconds(longest.billMs)} beside the truth (seed ${longest.billSeed})`);
      const never = [...possibleChanges].filter((change) => !changes.has(change));
      write(`Never made       ${never.length} of ${possibleChanges.size} changes of status`);
      for (const change of never) write(`  ${change}`);
      write(`Took             ${seconds(tookMs)}`);
      write(`Violations       ${failed.length}`);
    },
  };
};

export const printFailure = (result: RunResult, write: (line: string) => void, traceLines: number) => {
  write(`\nSeed ${result.seed}: ${result.violations.join('; ')}`);
  for (const line of result.trace.slice(-traceLines)) write(`  ${line}`);
  write(`  Again: npm run simulate -- --seed ${result.seed}`);
};
