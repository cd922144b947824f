import { describe, expect, it } from 'vitest';
import type { RequestSpan } from '../../local/gateway/requests.ts';
import { chainOf } from './chain.ts';

const span = (operation: string, startMs: number, endMs: number, traceId?: string): RequestSpan => ({
  principal: traceId === undefined ? 'run_1' : 'api',
  service: operation === 'Invoke' ? 'lambda' : operation.endsWith('Message') ? 'sqs' : 'dynamodb',
  operation,
  startMs,
  endMs,
  traceId,
});

const post = [
  span('Invoke', 1, 60, 'post'),
  span('BatchGetItem', 2, 5, 'post'),
  span('Query', 2, 6, 'post'),
  span('UpdateItem', 7, 9, 'post'),
  span('SendMessage', 10, 12, 'post'),
  span('PutItem', 13, 20, 'post'),
];
const poll = span('ReceiveMessage', 0, 11);
const claim = [
  span('Invoke', 14, 40, 'claim'),
  span('UpdateItem', 15, 18, 'claim'),
  span('BatchGetItem', 19, 22, 'claim'),
];
const log = [span('Invoke', 50, 60, 'log'), span('PutItem', 51, 52, 'log')];

const namesOf = (spans: readonly RequestSpan[]) => chainOf(spans).map(({ operation }) => operation);

describe('the chain of a task', () => {
  it('has of parallel calls the one that ended last, and none beside the way to the program', () => {
    expect(namesOf([...post, poll, ...claim, ...log])).toEqual([
      'Query',
      'UpdateItem',
      'SendMessage',
      'ReceiveMessage',
      'UpdateItem',
      'BatchGetItem',
    ]);
  });

  it('needs a doorbell, a poll and a claim', () => {
    expect(() => chainOf([...post, ...claim])).toThrow('hold no poll');
  });
});
