/**
 * One execution environment of a function: a worker that runs its bundle with only the function's
 * environment.
 */
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import type { FunctionSpec } from '../template/stack-spec.ts';
import { answer, type Invocation, type WorkerInput } from './messages.ts';
import { type Elapsed, processorTimeOf, sinceNowIn, startLimit } from './time-limits.ts';

/** Lambda's report of a failed invocation. */
export class FunctionError extends Error {
  readonly errorType: string;

  constructor(errorType: string, message: string, trace?: string) {
    super(message);
    this.name = 'FunctionError';
    this.errorType = errorType;
    if (trace) this.stack = trace;
  }
}

export interface Sandbox {
  /**
   * Invokes the function. One invocation at a time. After a timeout or a crash the sandbox is no longer
   * `alive`.
   */
  invoke(event: string, traceId?: string): Promise<string>;
  alive(): boolean;
  /** True until it can take the first invocation, or has failed. */
  isLoading(): boolean;
  /** Kills the worker immediately, also during an invocation. */
  kill(): void;
  stop(): Promise<void>;
}

export interface SandboxOptions {
  readonly environment: Readonly<Record<string, string>>;
  /** Logs one line of the function's output. */
  readonly log: (line: string) => void;
}

/**
 * Time limit for loading a bundle, in the worker's processor time. Lambda allows ten seconds, apart from the
 * function's own timeout.
 */
const loadTimeoutMs = 10_000;
/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const maxAnswerLength = 6 * 1024 * 1024;

const workerCode = new URL('./worker.ts', import.meta.url);

const inputOf = (spec: FunctionSpec): WorkerInput => {
  const [file = '', exportName = 'handler'] = spec.handler.split('.');
  return {
    entry: join(spec.codeDir, `${file}.mjs`),
    exportName,
    context: {
      functionName: spec.name,
      functionVersion: '$LATEST',
      invokedFunctionArn: spec.arn,
      memoryLimitInMB: String(spec.memoryMb),
      logGroupName: `/aws/lambda/${spec.name}`,
      logStreamName: 'local',
    },
  };
};

/** Starts a worker; its first invocation waits until the bundle is loaded. */
export const startSandbox = (spec: FunctionSpec, { environment, log }: SandboxOptions): Sandbox => {
  const worker = new Worker(workerCode, {
    workerData: inputOf(spec),
    // Compilation takes half of a bundle's load time, and a stack loads each bundle dozens of times. The
    // cache is beside the functions' folders and is removed with them: its entries depend on the path alone.
    env: { ...environment, NODE_COMPILE_CACHE: join(dirname(spec.codeDir), 'compile-cache') },
    execArgv: [],
    stdout: true,
    stderr: true,
    // A larger young generation would add memory to each of up to thirty workers. In a smaller one, a tenth
    // of a bundle's load is garbage collection.
    resourceLimits: { maxOldGenerationSizeMb: spec.memoryMb, maxYoungGenerationSizeMb: 8 },
  });
  for (const stream of [worker.stdout, worker.stderr]) {
    createInterface({ input: stream }).on('line', log);
  }

  let dead: FunctionError | undefined;
  let waiting: PromiseWithResolvers<string> | undefined;
  const loaded = Promise.withResolvers<void>();
  let isLoading = true;
  // The waiting invocation reports the error.
  loaded.promise
    .catch(() => {})
    .finally(() => {
      isLoading = false;
    });

  const die = (error: FunctionError) => {
    dead ??= error;
    loaded.reject(dead);
    waiting?.reject(dead);
    waiting = undefined;
  };
  worker.on('message', (message: unknown) => {
    const said = answer.parse(message);
    if (said.kind === 'ready') loaded.resolve();
    else if (said.kind === 'broken') die(new FunctionError(said.errorType, said.errorMessage, said.trace));
    else if (said.kind === 'result') waiting?.resolve(said.payload);
    else waiting?.reject(new FunctionError(said.errorType, said.errorMessage, said.trace));
  });
  worker.on('error', (error) => die(new FunctionError('Runtime.Crash', String(error))));
  worker.on('exit', (code) => die(new FunctionError('Runtime.ExitError', `The function exited (${code}).`)));

  const within = async <T>(promise: Promise<T>, ms: number, elapsed: Elapsed, what: string): Promise<T> => {
    const callOff = startLimit(ms, elapsed, () => {
      die(
        new FunctionError(
          'Sandbox.Timedout',
          `Task timed out after ${(ms / 1000).toFixed(2)} seconds${what}`,
        ),
      );
      worker.terminate();
    });
    try {
      return await promise;
    } finally {
      callOff();
    }
  };

  return {
    alive: () => dead === undefined,
    isLoading: () => isLoading,
    kill: () => {
      die(new FunctionError('Runtime.ExitError', 'The function was killed.'));
      worker.terminate();
    },
    stop: async () => {
      die(new FunctionError('Sandbox.Stopped', 'The stack has been stopped.'));
      await worker.terminate();
    },
    invoke: async (event, traceId) => {
      await within(loaded.promise, loadTimeoutMs, processorTimeOf(worker), ' in loading');
      if (dead) throw dead;
      const turn = Promise.withResolvers<string>();
      waiting = turn;
      const message: Invocation = {
        event,
        requestId: randomUUID(),
        traceId,
        deadlineMs: Date.now() + spec.timeoutMs,
      };
      worker.postMessage(message);
      const result = await within(turn.promise, spec.timeoutMs, sinceNowIn(worker), '').finally(() => {
        waiting = undefined;
      });
      if (result.length > maxAnswerLength) {
        throw new FunctionError('Function.ResponseSizeTooLarge', 'The answer is larger than 6 MB.');
      }
      return result;
    },
  };
};
