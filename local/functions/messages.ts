/** What a function's worker and its pool say to each other. Events and results travel as JSON, as they do in Lambda. */
import * as z from 'zod';

export interface WorkerInput {
  /** The bundle's file. */
  readonly entry: string;
  readonly exportName: string;
  /** A folder, for what V8 has compiled. */
  readonly compileCache: string;
  /** What stays the same in the context of all invocations. */
  readonly context: Readonly<Record<string, string>>;
}

export interface Invocation {
  readonly event: string;
  readonly requestId: string;
  /** Epoch milliseconds. */
  readonly deadlineMs: number;
}

const failure = z.object({ errorType: z.string(), errorMessage: z.string(), trace: z.string() });
export type Failure = z.infer<typeof failure>;

export const answer = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('result'), payload: z.string() }),
  failure.extend({ kind: z.literal('error') }),
  /** The bundle cannot be loaded. */
  failure.extend({ kind: z.literal('broken') }),
]);
export type Answer = z.infer<typeof answer>;
