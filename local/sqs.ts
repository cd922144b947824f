/** SQS's stand-in: fauxqs in this process, its queues in memory. */
import { buildApp } from 'fauxqs';
import * as z from 'zod';
import { AwsError, type AwsService } from './aws-call.ts';
import { inProcess } from './in-process.ts';
import type { QueueSpec } from './stack-spec.ts';

export interface Sqs {
  readonly service: AwsService;
  /** A call of Lambda's own pollers. Throws `AwsError` when SQS refuses. */
  call(operation: string, input: Readonly<Record<string, unknown>>): Promise<unknown>;
  stop(): Promise<void>;
}

const failure = z.object({ __type: z.string(), message: z.string().optional() });
const received = z.object({ Messages: z.array(z.object({ ReceiptHandle: z.string() })).optional() });
const receiveRequest = z.object({ QueueUrl: z.string() });

/** Starts SQS and makes the queues of the template. */
export const startSqs = async (region: string, queues: readonly QueueSpec[]): Promise<Sqs> => {
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

  /** Who hung up during a long poll must not take messages with him until they become visible again. */
  const putBack = async (request: Buffer, answer: string): Promise<void> => {
    const { QueueUrl } = receiveRequest.parse(JSON.parse(request.toString()));
    for (const { ReceiptHandle } of received.parse(JSON.parse(answer)).Messages ?? []) {
      await call('ChangeMessageVisibility', { QueueUrl, ReceiptHandle, VisibilityTimeout: 0 });
    }
  };

  const service: AwsService = async (request) => {
    const answer = await dispatch(request);
    if (request.operation === 'ReceiveMessage' && answer.status === 200 && request.hungUp()) {
      await putBack(request.body, answer.body.toString());
    }
    return answer;
  };

  // Dead-letter queues first: a redrive policy may only name a queue that exists.
  const inOrder = [...queues].sort(
    (a, b) => Number('RedrivePolicy' in a.attributes) - Number('RedrivePolicy' in b.attributes),
  );
  for (const { name, attributes } of inOrder) {
    await call('CreateQueue', { QueueName: name, Attributes: attributes });
  }
  return { service, call, stop: async () => app.close() };
};
