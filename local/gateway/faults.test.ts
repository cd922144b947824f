import { describe, expect, it } from 'vitest';
import type { AwsCall } from '../aws/call.ts';
import { aPrincipal } from '../testing/fixture.ts';
import { makeFaults } from './faults.ts';

const call: AwsCall = {
  service: 'sqs',
  operation: 'SendMessage',
  region: 'us-east-1',
  principal: aPrincipal(),
  method: 'POST',
  path: '/',
  headers: {},
  body: Buffer.alloc(0),
  hungUp: () => false,
};
const answer = { status: 200, headers: {}, body: 'done' };

/** A service that counts its calls. */
const aService = () => {
  let done = 0;
  return {
    done: () => done,
    play: async () => {
      done += 1;
      return answer;
    },
  };
};

describe('the faults of AWS calls', () => {
  it('are absent without rules', async () => {
    const { play, done } = aService();
    const faults = makeFaults(() => 0);
    expect(await faults.around(call, play)).toBe(answer);
    expect(done()).toBe(1);
    expect(faults.counts()).toEqual([]);
  });

  it.each([
    ['error', 0],
    ['dropped', 1],
  ] as const)('of the kind %s fail the call, with %i calls done', async (kind, times) => {
    const { play, done } = aService();
    const faults = makeFaults(() => 0);
    faults.set([{ kind, probability: 1 }]);
    await expect(faults.around(call, play)).rejects.toMatchObject({ code: 'InternalError', status: 500 });
    expect(done()).toBe(times);
    expect(faults.counts()).toEqual([{ kind, service: 'sqs', operation: 'SendMessage', count: 1 }]);
  });

  it('use the error code of the rule', async () => {
    const faults = makeFaults(() => 0);
    faults.set([{ kind: 'error', probability: 1, code: 'RequestLimitExceeded', status: 503 }]);
    await expect(faults.around(call, aService().play)).rejects.toMatchObject({
      code: 'RequestLimitExceeded',
      status: 503,
    });
  });

  it('duplicate or delay a call, and return the answer of a successful call', async () => {
    const { play, done } = aService();
    const faults = makeFaults(() => 0);
    faults.set([{ kind: 'duplicate', probability: 1 }]);
    expect(await faults.around(call, play)).toBe(answer);
    faults.set([{ kind: 'delay', delayMs: 1, probability: 1 }]);
    expect(await faults.around(call, play)).toBe(answer);
    expect(done()).toBe(3);
  });

  it('affect only the calls of the rule, with the probability of the rule', async () => {
    const { play, done } = aService();
    const draws = [0.09, 0.1];
    const faults = makeFaults(() => draws.shift() ?? 1);
    faults.set([
      { kind: 'error', service: 'dynamodb', probability: 1 },
      { kind: 'error', operation: 'ReceiveMessage', probability: 1 },
      { kind: 'error', service: 'sqs', operation: 'SendMessage', probability: 0.1 },
    ]);
    await expect(faults.around(call, play)).rejects.toThrow();
    await faults.around(call, play);
    expect(done()).toBe(1);
    faults.set([]);
    await faults.around(call, play);
    expect(done()).toBe(2);
  });
});
