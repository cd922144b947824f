/** `npm run test:agent`: tasks with the real tools and no stand-ins for them. */
import { defineConfig } from 'vitest/config';
import { reporters } from '../retried-tests.ts';

export default defineConfig({
  test: {
    reporters: reporters(),
    include: ['test/agent/**/*.test.ts'],
    // A playbook over ssh takes some seconds; each file has its own stack, and the machine is small.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    retry: process.env.CI ? 1 : 0,
    fileParallelism: false,
    // Keeps the line about a missing tool on one line, for CI to count.
    disableConsoleIntercept: true,
  },
});
