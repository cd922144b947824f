/** `npm run test:agent`: tasks with the real tools, none of them played by a test. */
import { defineConfig } from 'vitest/config';
import { reporters } from '../retried-tests.ts';

export default defineConfig({
  test: {
    reporters: reporters(),
    include: ['test/agent/**/*.test.ts'],
    // A playbook over ssh takes some seconds; each file has a stack of its own, and the machine is small.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    retry: process.env.CI ? 1 : 0,
    fileParallelism: false,
    // So that a line about a tool that is not here stays one line, for CI to count.
    disableConsoleIntercept: true,
  },
});
