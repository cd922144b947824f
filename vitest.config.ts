import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { compileCache } from './local/compile-cache.ts';
import { LongestFirst } from './test/longest-first.ts';
import { reporters } from './test/retried-tests.ts';

// For the workers, which inherit it: they load the same libraries in each run.
process.env.NODE_COMPILE_CACHE ??= compileCache;

/** Tests without a table, a socket or a process, done in seconds: `npm run test:unit`. */
const unit = [
  'cli/**/*.test.ts',
  'lambdas/*.test.ts',
  'lambdas/core/**/*.test.ts',
  'local/{template/{intrinsics,template},aws/{event-bus,event-sources},gateway/http-event,iam/{evaluate,patterns,policy}}.test.ts',
  'local/aws/ec2/{states,fleet}.test.ts',
  'protocol/**/*.test.ts',
  'web/**/*.test.ts',
  'runner-agent/{config,retry,secrets/masker,task/log-streamer}.test.ts',
];
/** End-to-end tests that share one stack per worker, see test/fixture.ts. */
const together = ['test/e2e/{integrations,permissions,schedules,semaphore,stop,task,trip,two-tasks}.test.ts'];
const nowhere = ['**/node_modules/**', 'dist/**', 'cdk.out/**', 'test/agent/**', 'test/web/**'];

/** The files of a worker share its modules: most files are done sooner than their modules would load. */
const once = { isolate: false };
const patient = {
  // The end-to-end tests wait for real machines to start and stop, on a machine that may have other work.
  testTimeout: 900_000,
  hookTimeout: 900_000,
  // A worker stops its shared stack at its end.
  teardownTimeout: 120_000,
  // A shared machine may stall for longer than a test waits. What fails twice is broken; a second try is
  // reported.
  retry: process.env.CI ? 1 : 0,
};

export default defineConfig({
  test: {
    reporters: reporters(),
    // The end-to-end tests wait more than they work, so that a small machine can do several at a time.
    maxWorkers: Math.max(4, availableParallelism() - 1),
    sequence: { sequencer: LongestFirst },
    projects: [
      // Seconds of work, and far more of them on a machine that has other work.
      {
        test: {
          ...once,
          name: 'unit',
          include: unit,
          exclude: nowhere,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      { test: { ...once, ...patient, name: 'together', include: together } },
      // The others need tables, templates, processes or a stack of their own.
      {
        test: {
          ...once,
          ...patient,
          name: 'alone',
          include: ['**/*.test.ts'],
          exclude: [...nowhere, ...unit, ...together],
        },
      },
    ],
  },
});
