/**
 * Lambda's asynchronous invocations: retries a failed function after a delay, then sends the event to the
 * dead-letter queue.
 */
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
}

/** https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html */
const lambdaRetryDelaysMs = [60_000, 120_000];

export const makeAsyncInvoker = ({
  functionOf,
  bury,
  retriesMaxOf = () => undefined,
  retryDelaysMs = lambdaRetryDelaysMs,
}: AsyncInvokerOptions): AsyncInvoker => {
  const timers = new Set<NodeJS.Timeout>();
  let stopped = false;
  const attempt = async (arn: string, event: unknown, delaysMs: readonly number[]): Promise<void> => {
    const invoke = functionOf(arn);
    try {
      await invoke(event);
    } catch (error) {
      const [delayMs, ...rest] = delaysMs;
      if (stopped) return;
      if (delayMs === undefined) return bury(arn, event, error);
      const timer = setTimeout(() => {
        timers.delete(timer);
        void attempt(arn, event, rest);
      }, delayMs);
      timers.add(timer);
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
