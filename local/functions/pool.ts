/** Function pool: keeps one warm sandbox per parallel invocation of a function. */

import type { Credentials } from '../gateway/principals.ts';
import type { FunctionSpec } from '../template/stack-spec.ts';
import { FunctionError, type Sandbox, startSandbox } from './sandbox.ts';

/** Invokes one function; rejects with a `FunctionError` when the function fails. */
export type Invoke = (event: unknown) => Promise<unknown>;

export interface FunctionPool {
  readonly spec: FunctionSpec;
  /** `traceId`: the invocation's, which AWS's SDK sends with each call. */
  readonly invoke: (event: unknown, traceId?: string) => Promise<unknown>;
  /** Returns true while an invocation runs. */
  isBusy(): boolean;
  /** Kills one worker in the middle of its invocation, as `kill -9` would. */
  killBusy(): void;
  /** Stops the idle workers; the next invocation starts one. */
  stopIdle(): Promise<void>;
  stop(): Promise<void>;
}

export interface FunctionPoolOptions {
  readonly environment: Readonly<Record<string, string>>;
  readonly log: (line: string) => void;
  /** Maximum parallel invocations; further ones wait. @default 10, as in a new AWS account */
  readonly maxConcurrency?: number;
}

/**
 * Workers that start without delay: enough for calls to race each other. Each costs a third of a second of
 * processor time, and most calls end sooner, so a further worker starts only for a call that has waited, and
 * not while another one loads: on a busy machine that would make both later.
 */
const eagerWorkers = 2;
const waitForWorkerMs = 250;

/** Environment of a function: its own variables, Lambda's, and the endpoint that stands for all of AWS. */
export const functionEnvironment = (
  spec: FunctionSpec,
  credentials: Credentials,
  region: string,
  endpointUrl: string,
): Record<string, string> => ({
  ...spec.environment,
  TZ: ':UTC',
  LANG: 'en_US.UTF-8',
  LAMBDA_TASK_ROOT: spec.codeDir,
  AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
  AWS_LAMBDA_FUNCTION_NAME: spec.name,
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(spec.memoryMb),
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  AWS_SESSION_TOKEN: credentials.sessionToken,
  AWS_ENDPOINT_URL: endpointUrl,
  // Users of the local stack may run webhook receivers on this machine; the stack's own are there too.
  WEBHOOK_ALLOWED: [spec.environment.WEBHOOK_ALLOWED, 'localhost,127.0.0.0/8,::1'].filter(Boolean).join(','),
});

/** Makes the pool of one function; the first invocation starts the first sandbox. */
export const makeFunctionPool = (spec: FunctionSpec, options: FunctionPoolOptions): FunctionPool => {
  const { maxConcurrency = 10, log } = options;
  const sandboxes = new Set<Sandbox>();
  /**
   * Idle sandboxes. The most recently used is last and taken first, which keeps the number in use minimal.
   */
  const idle: Sandbox[] = [];
  const queue: ((sandbox: Sandbox | FunctionError) => void)[] = [];
  let stopped = false;
  const stoppedError = () => new FunctionError('Sandbox.Stopped', 'The stack has been stopped.');

  const add = (): Sandbox => {
    const sandbox = startSandbox(spec, options);
    sandboxes.add(sandbox);
    return sandbox;
  };
  /** Resolves with the next free sandbox, or with a new one if the wait is long and there may be more. */
  const waitForOne = (): Promise<Sandbox> =>
    new Promise((resolve, reject) => {
      const look = () => {
        if (sandboxes.size >= maxConcurrency) return;
        if ([...sandboxes].some((sandbox) => sandbox.isLoading())) {
          timer = setTimeout(look, waitForWorkerMs);
          return;
        }
        queue.splice(queue.indexOf(serve), 1);
        resolve(add());
      };
      let timer = setTimeout(look, waitForWorkerMs);
      const serve = (next: Sandbox | FunctionError) => {
        clearTimeout(timer);
        if (next instanceof FunctionError) reject(next);
        else resolve(next);
      };
      queue.push(serve);
    });
  const take = (): Promise<Sandbox> | Sandbox => {
    for (let sandbox = idle.pop(); sandbox; sandbox = idle.pop()) {
      if (sandbox.alive()) return sandbox;
      sandboxes.delete(sandbox);
    }
    return sandboxes.size < Math.min(eagerWorkers, maxConcurrency) ? add() : waitForOne();
  };
  const giveBack = (sandbox: Sandbox): void => {
    const alive = sandbox.alive();
    if (!alive) sandboxes.delete(sandbox);
    const next = queue.shift();
    if (next) next(alive ? sandbox : add());
    else if (alive) idle.push(sandbox);
  };

  const busy = () => [...sandboxes].find((sandbox) => sandbox.alive() && !idle.includes(sandbox));

  return {
    spec,
    isBusy: () => busy() !== undefined,
    killBusy: () => busy()?.kill(),
    stopIdle: async () => {
      const idleOnes = idle.splice(0);
      for (const sandbox of idleOnes) sandboxes.delete(sandbox);
      await Promise.all(idleOnes.map((sandbox) => sandbox.stop()));
    },
    invoke: async (event, traceId) => {
      if (stopped) throw stoppedError();
      const sandbox = await take();
      try {
        return JSON.parse(await sandbox.invoke(JSON.stringify(event), traceId));
      } catch (error) {
        if (!stopped) log(`ERROR ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
        throw error;
      } finally {
        giveBack(sandbox);
      }
    },
    stop: async () => {
      stopped = true;
      for (const refuse of queue.splice(0)) refuse(stoppedError());
      await Promise.all([...sandboxes].map((sandbox) => sandbox.stop()));
    },
  };
};
