import { afterEach, describe, expect, it } from 'vitest';
import type { Invoke } from '../functions/pool.ts';
import { until } from '../testing/fixture.ts';
import { doneOf, startEventSource } from './event-sources.ts';
import { type Sqs, startSqs } from './sqs.ts';

const region = 'us-east-1';
const queueUrl = 'https://sqs.us-east-1.amazonaws.com/000000000000/Queue';
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0)) await step();
});

interface Batch {
  Records: { messageId: string; body: string; attributes: { ApproximateReceiveCount: string } }[];
}

const start = async (handle: (batch: Batch) => unknown, visibilitySeconds = '30'): Promise<Sqs> => {
  const attributes = { VisibilityTimeout: visibilitySeconds };
  const sqs = await startSqs(region, [{ name: 'Queue', url: queueUrl, arn: '', attributes }]);
  const invoke: Invoke = async (event) => handle(event as Batch);
  const source = startEventSource({
    spec: {
      queueArn: 'arn:aws:sqs:us-east-1:000000000000:Queue',
      functionArn: 'fn',
      batchSize: 10,
      reportsBatchItemFailures: true,
      maximumConcurrency: 2,
    },
    queueUrl,
    region,
    call: sqs.call,
    invoke,
    onRequest: () => {},
    log: () => {},
  });
  undo.push(source.stop, sqs.stop);
  return sqs;
};
const send = (sqs: Sqs, ...bodies: string[]) =>
  sqs.call('SendMessageBatch', {
    QueueUrl: queueUrl,
    Entries: bodies.map((body, index) => ({ Id: String(index), MessageBody: body })),
  });
const left = async (sqs: Sqs) => {
  const answer = await sqs.call('GetQueueAttributes', { QueueUrl: queueUrl, AttributeNames: ['All'] });
  return JSON.stringify(answer).match(/"ApproximateNumberOfMessages(NotVisible)?":"[1-9]/) !== null;
};

describe('an event source', () => {
  it('passes a batch to the function, and deletes the processed messages', async () => {
    const bodies: string[] = [];
    const sqs = await start((batch) => {
      bodies.push(...batch.Records.map(({ body }) => body));
      return { batchItemFailures: [] };
    });
    await send(sqs, 'one', 'two');
    await until(() => bodies.length === 2);
    let some = true;
    while (some) some = await left(sqs);
    expect(bodies.sort()).toEqual(['one', 'two']);
  });

  it('delivers only the failed messages again', async () => {
    const seen: string[] = [];
    const sqs = await start((batch) => {
      seen.push(
        ...batch.Records.map((record) => `${record.body} ${record.attributes.ApproximateReceiveCount}`),
      );
      return {
        batchItemFailures: batch.Records.filter(
          (record) => record.body === 'bad' && record.attributes.ApproximateReceiveCount === '1',
        ).map((record) => ({ itemIdentifier: record.messageId })),
      };
    }, '0');
    await send(sqs, 'good', 'bad');
    await until(() => seen.includes('bad 2'));
    expect(seen.filter((one) => one.startsWith('good')).length).toBeGreaterThan(0);
  });

  it('continues after a failed invocation', async () => {
    const seen: string[] = [];
    const sqs = await start((batch) => {
      const bodies = batch.Records.map(({ body }) => body);
      seen.push(...bodies);
      if (bodies.includes('bad')) throw new Error('bad');
      return null;
    });
    await send(sqs, 'bad');
    await until(() => seen.includes('bad'));
    await send(sqs, 'good');
    await until(() => seen.includes('good'));
  });
});

describe('the processed messages of a batch', () => {
  const records = [{ messageId: 'a' }, { messageId: 'b' }];

  it.each([
    ['no failures', { batchItemFailures: [] }, ['a', 'b']],
    ['nothing', null, ['a', 'b']],
    ['one failure', { batchItemFailures: [{ itemIdentifier: 'a' }] }, ['b']],
    ['a failure of an unknown message', { batchItemFailures: [{ itemIdentifier: 'x' }] }, []],
    ['a malformed answer', { batchItemFailures: 'all' }, []],
  ])('exclude the reported failures, given %s', (_what, result, expected) => {
    expect(doneOf(records, result, true).map(({ messageId }) => messageId)).toEqual(expected);
  });

  it('are all messages when the function does not report failures', () => {
    expect(doneOf(records, { batchItemFailures: [{ itemIdentifier: 'a' }] }, false)).toEqual(records);
  });
});
