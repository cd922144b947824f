/** Queues of doorbells as the poller sees them, implemented with SQS's JSON protocol. */
import * as z from 'zod';
import type { CredentialsResponse } from '../../protocol/agent.ts';
import type { HttpTransport } from '../http-transport.ts';
import type { Timing } from '../timing.ts';
import { sign } from './aws-signature.ts';

export interface QueueMessage {
  body: string;
  /** Names this receipt of the message. */
  receipt: string;
}

export interface TaskQueue {
  /** Waits up to 20 s for at least one of at most `max` (1 to 10) messages. */
  receive(queueUrl: string, max: number, signal: AbortSignal): Promise<QueueMessage[]>;
  remove(queueUrl: string, receipt: string): Promise<void>;
  /** Makes the message visible again after `seconds`. */
  putBack(queueUrl: string, receipt: string, seconds: number): Promise<void>;
}

/** Longest wait of SQS (AWS: ReceiveMessage, WaitTimeSeconds). */
const longPollSeconds = 20;
/**
 * Short, since a message whose poll was aborted on its way stays hidden for this time. If it rings twice,
 * that is harmless.
 */
const visibilitySeconds = 5;
/** Timeout of a call that does not wait, and margin beyond the wait of one that does. */
const timeoutMs = 10_000;

/** SQS answered with an error. `name` is AWS's code. */
class SqsError extends Error {
  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.name = code;
  }
}

const received = z.object({
  Messages: z.array(z.object({ Body: z.string(), ReceiptHandle: z.string() })).default([]),
});
const failure = z.object({ __type: z.string(), message: z.string().default('') });

const parseJson = (text: string): unknown => {
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Returns true for an error that new credentials may fix. */
export const isCredentialsError = (error: unknown): boolean =>
  error instanceof Error &&
  /AccessDenied|ExpiredToken|InvalidClientTokenId|UnrecognizedClient|InvalidSecurity|SignatureDoesNotMatch/.test(
    error.name,
  );

/** Calls SQS with the credentials that `current` returns at the time of each call. */
export const createSqsTaskQueue = (
  current: () => Promise<CredentialsResponse>,
  transport: HttpTransport,
  timing: Pick<Timing, 'now'>,
): TaskQueue & {
  /** Rejects when this runner cannot receive from the queue. Takes no message. */
  probe(queueUrl: string): Promise<void>;
} => {
  const call = async (
    operation: string,
    input: { QueueUrl: string; [name: string]: unknown },
    within: number,
    signal?: AbortSignal,
  ): Promise<unknown> => {
    const { region, endpoint, ...key } = (await current()).aws;
    // The host of a queue's URL is SQS's own in every partition of AWS.
    const url = new URL('/', endpoint ?? input.QueueUrl);
    const body = JSON.stringify(input);
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `AmazonSQS.${operation}`,
    };
    const signed = await sign({ url, headers, body }, { service: 'sqs', region, key, nowMs: timing.now() });
    const timeout = AbortSignal.timeout(within);
    const answer = await transport({
      url: url.href,
      headers: signed,
      body,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    const json = parseJson(answer.text);
    if (answer.status === 200) return json;
    const { __type, message } = failure.catch({ __type: `Http${answer.status}`, message: '' }).parse(json);
    throw new SqsError(__type.split('#').at(-1) ?? __type, message);
  };

  return {
    receive: async (QueueUrl, MaxNumberOfMessages, signal) => {
      const input = {
        QueueUrl,
        MaxNumberOfMessages,
        WaitTimeSeconds: longPollSeconds,
        VisibilityTimeout: visibilitySeconds,
      };
      const answer = await call('ReceiveMessage', input, longPollSeconds * 1000 + timeoutMs, signal);
      return received
        .parse(answer)
        .Messages.map(({ Body, ReceiptHandle }) => ({ body: Body, receipt: ReceiptHandle }));
    },
    probe: async (QueueUrl) => {
      const input = { QueueUrl, MaxNumberOfMessages: 1, WaitTimeSeconds: 0, VisibilityTimeout: 0 };
      await call('ReceiveMessage', input, timeoutMs);
    },
    remove: async (QueueUrl, ReceiptHandle) => {
      await call('DeleteMessage', { QueueUrl, ReceiptHandle }, timeoutMs);
    },
    putBack: async (QueueUrl, ReceiptHandle, VisibilityTimeout) => {
      await call('ChangeMessageVisibility', { QueueUrl, ReceiptHandle, VisibilityTimeout }, timeoutMs);
    },
  };
};
