/**
 * SQS event source mappings: polls a queue, invokes the function with batches, and deletes the processed
 * messages.
 */
import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import * as z from 'zod';
import type { Invoke } from '../functions/pool.ts';
import type { EventSourceSpec, StackSpec } from '../template/stack-spec.ts';
import type { Account } from './account.ts';
import type { Sqs } from './sqs.ts';

export interface EventSourceOptions {
  readonly spec: EventSourceSpec;
  readonly queueUrl: string;
  readonly region: string;
  readonly call: Sqs['call'];
  readonly invoke: Invoke;
  /** Runs for each request that Lambda makes to SQS for the function. */
  readonly onRequest: (operation: string) => void;
  readonly log: (line: string) => void;
}

const messages = z.object({
  Messages: z
    .array(
      z.object({
        MessageId: z.string(),
        ReceiptHandle: z.string(),
        Body: z.string(),
        MD5OfBody: z.string(),
        Attributes: z.record(z.string(), z.string()).default({}),
        MessageAttributes: z.record(z.string(), z.unknown()).default({}),
      }),
    )
    .default([]),
});
type Message = z.infer<typeof messages>['Messages'][number];

const batchResponse = z.object({
  batchItemFailures: z
    .array(z.object({ itemIdentifier: z.string() }))
    .nullish()
    .transform((failures) => failures ?? []),
}) satisfies z.ZodType<SQSBatchResponse>;

/** Maximum wait of a poll in SQS. */
const pollSeconds = 20;

const toRecord = (message: Message, queueArn: string, region: string): SQSRecord => ({
  messageId: message.MessageId,
  receiptHandle: message.ReceiptHandle,
  body: message.Body,
  attributes: {
    ApproximateReceiveCount: message.Attributes.ApproximateReceiveCount ?? '1',
    SentTimestamp: message.Attributes.SentTimestamp ?? '0',
    SenderId: message.Attributes.SenderId ?? 'local',
    ApproximateFirstReceiveTimestamp: message.Attributes.ApproximateFirstReceiveTimestamp ?? '0',
  },
  messageAttributes: {},
  md5OfBody: message.MD5OfBody,
  eventSource: 'aws:sqs',
  eventSourceARN: queueArn,
  awsRegion: region,
});

/** Returns the processed messages of a batch. As in Lambda, a malformed answer fails the whole batch. */
export const doneOf = <T extends { readonly messageId: string }>(
  records: readonly T[],
  result: unknown,
  reportsFailures: boolean,
): readonly T[] => {
  if (!reportsFailures || result === null) return records;
  const parsed = batchResponse.safeParse(result);
  if (!parsed.success) return [];
  const failed = new Set(parsed.data.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  const known = new Set(records.map(({ messageId }) => messageId));
  if ([...failed].some((id) => !known.has(id))) return [];
  return records.filter(({ messageId }) => !failed.has(messageId));
};

/** Polls until stopped. A waiting poll ends with SQS itself. Stopping does not wait for running batches. */
export const startEventSource = (options: EventSourceOptions): { stop: () => void } => {
  const { spec, queueUrl, call, invoke, onRequest, log, region } = options;
  let stopped = false;
  let running = 0;
  let roomMade = Promise.withResolvers<void>();

  const handle = async (batch: readonly Message[]): Promise<void> => {
    const records = batch.map((message) => toRecord(message, spec.queueArn, region));
    const result = await invoke({ Records: records });
    const done = doneOf(records, result, spec.reportsBatchItemFailures);
    if (done.length === 0 || stopped) return;
    onRequest('DeleteMessageBatch');
    await call('DeleteMessageBatch', {
      QueueUrl: queueUrl,
      Entries: done.map(({ receiptHandle }, index) => ({ Id: String(index), ReceiptHandle: receiptHandle })),
    });
  };

  const poll = async (): Promise<void> => {
    onRequest('ReceiveMessage');
    const { Messages } = messages.parse(
      await call('ReceiveMessage', {
        QueueUrl: queueUrl,
        MaxNumberOfMessages: spec.batchSize,
        WaitTimeSeconds: pollSeconds,
        MessageSystemAttributeNames: ['All'],
      }),
    );
    if (Messages.length === 0) return;
    running += 1;
    handle(Messages)
      // The function's own log has the reason. The messages return after their visibility timeout.
      .catch(() => {})
      .finally(() => {
        running -= 1;
        roomMade.resolve();
      });
  };

  const loop = async (): Promise<void> => {
    while (!stopped) {
      if (running >= spec.maximumConcurrency) {
        roomMade = Promise.withResolvers();
        await roomMade.promise;
      } else await poll();
    }
  };
  loop().catch((error: unknown) => {
    if (!stopped) log(`The event source of ${queueUrl} has ended: ${String(error)}`);
  });
  return {
    stop: () => {
      stopped = true;
      roomMade.resolve();
    },
  };
};

/** Starts all event sources of the template, each if its function's role may poll the queue. */
export const startEventSources = async (
  spec: StackSpec,
  { functions, iam, sqs, counter }: Pick<Account, 'functions' | 'iam' | 'sqs' | 'counter'>,
  log: (line: string) => void,
  undo: AsyncDisposableStack,
): Promise<void> => {
  for (const source of spec.eventSources) {
    const queue = spec.queues.find(({ arn }) => arn === source.queueArn);
    if (!queue) throw new Error(`The template has no queue ${source.queueArn}.`);
    const fn = functions.withArn(source.functionArn);
    iam.checkEventSource(fn.principal, queue.arn);
    const { stop } = startEventSource({
      spec: source,
      queueUrl: queue.url,
      region: spec.place.region,
      call: sqs.call,
      invoke: fn.invoke,
      onRequest: (operation) => counter.add(`${fn.spec.label} (event source)`, 'sqs', operation),
      log,
    });
    undo.defer(stop);
  }
};
