/** SQS's stand-in: fauxqs in this process, its queues in memory. */
import { buildApp } from 'fauxqs';
import * as z from 'zod';
import { inProcess } from '../gateway/in-process.ts';
import type { QueueSpec } from '../template/stack-spec.ts';
import { type AwsCall, AwsError, type AwsService } from './call.ts';

export interface Sqs {
  readonly service: AwsService;
  /** Makes a call for Lambda's pollers. Throws `AwsError` when SQS rejects the call. */
  call(operation: string, input: Readonly<Record<string, unknown>>): Promise<unknown>;
  stop(): Promise<void>;
}

const failure = z.object({ __type: z.string(), message: z.string().optional() });
const received = z.object({ Messages: z.array(z.object({ ReceiptHandle: z.string() })).optional() });
const onQueue = z.object({ QueueUrl: z.string() });

const named = z.object({ QueueName: z.string() });
/**
 * Time during which the name of a deleted queue stays reserved.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html,
 * QueueDeletedRecently
 */
const nameRefusedMs = 60_000;

/** Starts SQS and creates the template's queues. */
export const startSqs = async (
  region: string,
  queues: readonly QueueSpec[],
  nowMs: () => number = Date.now,
): Promise<Sqs> => {
  const deletedMs = new Map<string, number>();
  const app = buildApp({ logger: false, defaultRegion: region });
  await app.ready();
  const dispatch = inProcess((options) => app.inject(options));

  const call: Sqs['call'] = async (operation, input) => {
    const answer = await dispatch({
      method: 'POST',
      path: '/',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `AmazonSQS.${operation}`,
        authorization: `AWS4-HMAC-SHA256 Credential=local/20260101/${region}/sqs/aws4_request`,
      },
      body: Buffer.from(JSON.stringify(input)),
    });
    const text = answer.body.toString();
    const body: unknown = text === '' ? {} : JSON.parse(text);
    if (answer.status === 200) return body;
    const { __type, message = '' } = failure.parse(body);
    throw new AwsError(__type.split('#').at(-1) ?? __type, message, answer.status);
  };

  /**
   * Makes the messages visible again when a client disconnects during a long poll. Otherwise they stay hidden
   * until the visibility timeout.
   */
  const putBack = async (request: Buffer, answer: string): Promise<void> => {
    const { QueueUrl } = onQueue.parse(JSON.parse(request.toString()));
    for (const { ReceiptHandle } of received.parse(JSON.parse(answer)).Messages ?? []) {
      await call('ChangeMessageVisibility', { QueueUrl, ReceiptHandle, VisibilityTimeout: 0 });
    }
  };

  /** Rejects the name of a recently deleted queue, as SQS does and fauxqs does not. */
  const refuseDeletedName = ({ body }: AwsCall): void => {
    const { QueueName } = named.parse(JSON.parse(body.toString()));
    if (nowMs() - (deletedMs.get(QueueName) ?? Number.NEGATIVE_INFINITY) >= nameRefusedMs) return;
    throw new AwsError(
      'QueueDeletedRecently',
      'You must wait 60 seconds after deleting a queue before you can create another with the same name.',
    );
  };

  const service: AwsService = async (request) => {
    if (request.operation === 'CreateQueue') refuseDeletedName(request);
    const answer = await dispatch(request);
    if (request.operation === 'DeleteQueue' && answer.status === 200) {
      const { QueueUrl } = onQueue.parse(JSON.parse(request.body.toString()));
      deletedMs.set(QueueUrl.slice(QueueUrl.lastIndexOf('/') + 1), nowMs());
    }
    if (request.operation === 'ReceiveMessage' && answer.status === 200 && request.hungUp()) {
      await putBack(request.body, answer.body.toString());
    }
    return answer;
  };

  // Dead-letter queues first: a redrive policy must name an existing queue.
  const inOrder = [...queues].sort(
    (a, b) => Number('RedrivePolicy' in a.attributes) - Number('RedrivePolicy' in b.attributes),
  );
  for (const { name, attributes } of inOrder) {
    await call('CreateQueue', { QueueName: name, Attributes: attributes });
  }
  return { service, call, stop: async () => app.close() };
};
