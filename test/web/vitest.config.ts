/** `npm run test:web`: user stories in a real browser, against the whole stack with real agents. */
import { defineConfig } from 'vitest/config';
import { reporters } from '../retried-tests.ts';

const budgets = 'test/web/budgets.test.ts';

const shared = {
  // Instances start and stop meanwhile, and the machine may be small and busy.
  testTimeout: 600_000,
  hookTimeout: 300_000,
  retry: process.env.CI ? 1 : 0,
  disableConsoleIntercept: true,
};

export default defineConfig({
  test: {
    reporters: reporters(),
    // A worker stops its stack and its browser at its end.
    teardownTimeout: 60_000,
    projects: [
      {
        test: {
          ...shared,
          name: 'clicks',
          include: ['test/web/**/*.test.ts'],
          exclude: [budgets],
          // The files of a worker share its stack and its browser.
          isolate: false,
          maxWorkers: 2,
        },
      },
      // After all others: no other test may use the processor while this one measures.
      { test: { ...shared, name: 'budgets', include: [budgets], sequence: { groupOrder: 1 } } },
    ],
  },
});
