/** Lambda's asynchronous invocations: a function that fails is tried again, later, and buried when that does not help. */
import type { Invoke } from '../functions/pool.ts';

export interface AsyncInvoker {
  /** Resolves after the first try, whatever came of it; rejects when there is no such function. */
  deliver(functionArn: string, event: unknown): Promise<void>;
  stop(): void;
}

export interface AsyncInvokerOptions {
  readonly functionOf: (arn: string) => Invoke;
  /** Told of an event that failed at every try. */
  readonly bury: (functionArn: string, event: unknown, error: unknown) => Promise<void>;
  /** How often a function is tried again at most. @default as often as there are delays */
  readonly retriesMaxOf?: (arn: string) => number | undefined;
  /** How long after each failure the next try follows. @default as Lambda does: twice more, after one minute and after two */
  readonly retryDelaysMs?: readonly number[] | undefined;
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
