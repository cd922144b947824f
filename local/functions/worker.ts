/**
 * Worker thread of a function: loads its bundle and answers its invocations one at a time, like Lambda's
 * runtime. Imports no module of this repository: that would add to the start of each worker.
 */
import { flushCompileCache } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type { Answer, Failure, Invocation, WorkerInput } from './messages.ts';

// Node has read it. Lambda's environment has no such variable.
delete process.env.NODE_COMPILE_CACHE;

const input: WorkerInput = workerData;
const answer = (message: Answer) => parentPort?.postMessage(message);

const describeError = (error: unknown): Failure =>
  error instanceof Error
    ? { errorType: error.name, errorMessage: error.message, trace: error.stack ?? '' }
    : { errorType: 'Error', errorMessage: String(error), trace: '' };

const loadHandler = async () => {
  const loaded: Record<string, unknown> = await import(pathToFileURL(input.entry).href);
  const handler = loaded[input.exportName];
  if (typeof handler !== 'function') throw new Error(`${input.entry} exports no ${input.exportName}.`);
  flushCompileCache();
  return handler;
};

try {
  const handler = await loadHandler();
  parentPort?.on('message', async ({ event, requestId, traceId, deadlineMs }: Invocation) => {
    if (traceId !== undefined) process.env._X_AMZN_TRACE_ID = traceId;
    const context = {
      ...input.context,
      awsRequestId: requestId,
      callbackWaitsForEmptyEventLoop: true,
      getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
    };
    try {
      const result: unknown = await handler(JSON.parse(event), context);
      answer({ kind: 'result', payload: JSON.stringify(result) ?? 'null' });
    } catch (error) {
      answer({ kind: 'error', ...describeError(error) });
    }
  });
  answer({ kind: 'ready' });
} catch (error) {
  answer({ kind: 'broken', ...describeError(error) });
}
