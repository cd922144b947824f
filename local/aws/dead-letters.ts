/** Dead letters of asynchronous invocations: events that a function failed at every attempt. */
import type { Functions } from '../functions/functions.ts';
import type { Iam } from '../iam/index.ts';
import type { QueueSpec } from '../template/stack-spec.ts';
import type { AsyncInvokerOptions } from './async-invoke.ts';
import type { Sqs } from './sqs.ts';

export interface DeadLettersOptions {
  readonly functions: Pick<Functions, 'withArn'>;
  readonly queues: readonly QueueSpec[];
  readonly iam: Pick<Iam, 'check'>;
  readonly sqs: Pick<Sqs, 'call'>;
}

/**
 * Sends a failed event to the function's dead-letter queue, if it has one, in the format of Lambda's
 * destinations (AWS: Capturing records of Lambda asynchronous invocations).
 */
export const buryWith =
  ({ functions, queues, iam, sqs }: DeadLettersOptions): AsyncInvokerOptions['bury'] =>
  async (functionArn, requestPayload, error) => {
    const { spec, principal } = functions.withArn(functionArn);
    const queue = queues.find(({ arn }) => arn === spec.failuresArn);
    if (!queue) return;
    iam.check(principal, [{ action: 'sqs:SendMessage', resource: queue.arn }]);
    const errorMessage = error instanceof Error ? error.message : String(error);
    const requestContext = { functionArn, condition: 'RetriesExhausted' };
    const MessageBody = JSON.stringify({ requestContext, requestPayload, responsePayload: { errorMessage } });
    await sqs.call('SendMessage', { QueueUrl: queue.url, MessageBody });
  };
