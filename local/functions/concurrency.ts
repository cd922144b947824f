/** Lambda's limit of concurrent executions: one for all functions of an account in a region. */
import type { Invoke } from './pool.ts';

/** Lambda refused an invocation: the account's executions are all in use. The function did not run. */
export class Throttled extends Error {
  override readonly name = 'TooManyRequestsException';

  constructor() {
    super('Rate Exceeded.');
  }
}

/**
 * Makes the limit of an account. It wraps a function's `invoke`, which then rejects with `Throttled` while
 * `most` invocations run: https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
 */
export const limitConcurrency = (most: number) => {
  let running = 0;
  return (invoke: Invoke): Invoke =>
    async (event) => {
      if (running >= most) throw new Throttled();
      running += 1;
      try {
        return await invoke(event);
      } finally {
        running -= 1;
      }
    };
};
