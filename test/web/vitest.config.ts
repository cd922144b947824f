/** `npm run test:web`: people's clicks in a real browser, against the whole stack with real agents. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/web/**/*.test.ts'],
    // Instances start and stop meanwhile, and the machine may be small and busy.
    testTimeout: 600_000,
    hookTimeout: 300_000,
    retry: process.env.CI ? 1 : 0,
    fileParallelism: false,
    disableConsoleIntercept: true,
  },
});
