/** Messages between a function's worker and its pool. Events and results travel as JSON, as in Lambda. */
import * as z from 'zod';

export interface WorkerInput {
  /** Path of the bundle. */
  readonly entry: string;
  readonly exportName: string;
  /** Fields of the context that are the same in all invocations. */
  readonly context: Readonly<Record<string, string>>;
}

export interface Invocation {
  readonly event: string;
  readonly requestId: string;
  /** Trace of the invocation, in the form of Lambda's variable. */
  readonly traceId?: string;
  /** Deadline in epoch milliseconds. */
  readonly deadlineMs: number;
}

const failure = z.object({ errorType: z.string(), errorMessage: z.string(), trace: z.string() });
export type Failure = z.infer<typeof failure>;

export const answer = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('result'), payload: z.string() }),
  failure.extend({ kind: z.literal('error') }),
  /** Reports a bundle that cannot be loaded. */
  failure.extend({ kind: z.literal('broken') }),
]);
export type Answer = z.infer<typeof answer>;
