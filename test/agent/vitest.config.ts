/** `npm run test:agent`: tasks with the real tools and no stand-ins for them. */
import { defineConfig } from 'vitest/config';
import { reporters } from '../retried-tests.ts';

export default defineConfig({
  test: {
    reporters: reporters(),
    include: ['test/agent/**/*.test.ts'],
    // All files share one stack, see test/fixture.ts.
    isolate: false,
    // A playbook over ssh takes some seconds, and the machine is small.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    teardownTimeout: 120_000,
    retry: process.env.CI ? 1 : 0,
    fileParallelism: false,
    // Keeps the line about a missing tool on one line, for CI to count.
    disableConsoleIntercept: true,
  },
});
