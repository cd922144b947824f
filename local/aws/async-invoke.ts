/**
 * Lambda's asynchronous invocations: retries a failed function after a delay, then sends the event to the
 * dead-letter queue.
 */
import { Throttled } from '../functions/concurrency.ts';
import type { Invoke } from '../functions/pool.ts';

export interface AsyncInvoker {
  /** Resolves after the first attempt, successful or not. Rejects for an unknown function. */
  deliver(functionArn: string, event: unknown): Promise<void>;
  stop(): void;
}

export interface AsyncInvokerOptions {
  readonly functionOf: (arn: string) => Invoke;
  /** Receives an event that failed at every attempt. */
  readonly bury: (functionArn: string, event: unknown, error: unknown) => Promise<void>;
  /** Maximum retries of a function. @default the number of delays */
  readonly retriesMaxOf?: (arn: string) => number | undefined;
  /** Delays before each retry. @default Lambda's: one minute, then two */
  readonly retryDelaysMs?: readonly number[];
  /** Delay after an event was throttled; `times`: how often before. @default Lambda's */
  readonly throttledDelayMs?: (times: number) => number;
}

/** https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html */
const lambdaRetryDelaysMs = [60_000, 120_000];

/**
 * Delay before Lambda tries a throttled event again: 1 s at first, 5 minutes at most. It does so for up to 6
 * hours, and the event's retries stay (same page).
 */
const lambdaThrottledDelayMs = (times: number): number => Math.min(300_000, 1000 * 2 ** times);

export const makeAsyncInvoker = ({
  functionOf,
  bury,
  retriesMaxOf = () => undefined,
  retryDelaysMs = lambdaRetryDelaysMs,
  throttledDelayMs = lambdaThrottledDelayMs,
}: AsyncInvokerOptions): AsyncInvoker => {
  const timers = new Set<NodeJS.Timeout>();
  let stopped = false;
  const later = (delayMs: number, run: () => Promise<void>): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      void run();
    }, delayMs);
    timers.add(timer);
  };
  const attempt = async (
    arn: string,
    event: unknown,
    delaysMs: readonly number[],
    throttled = 0,
  ): Promise<void> => {
    const invoke = functionOf(arn);
    try {
      await invoke(event);
    } catch (error) {
      if (stopped) return;
      if (error instanceof Throttled)
        return later(throttledDelayMs(throttled), () => attempt(arn, event, delaysMs, throttled + 1));
      const [delayMs, ...rest] = delaysMs;
      if (delayMs === undefined) return bury(arn, event, error);
      later(delayMs, () => attempt(arn, event, rest));
    }
  };
  return {
    deliver: (arn, event) => attempt(arn, event, retryDelaysMs.slice(0, retriesMaxOf(arn))),
    stop: () => {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
    },
  };
};
