import { describe, expect, it } from 'vitest';
import { addMs, toInstant } from '../../../protocol/index.ts';
import {
  firstRetry,
  hasLeftQueue,
  holdSeconds,
  isHeldTooLong,
  retryOf,
  statusAfter,
  turnAfter,
} from './retry-policy.ts';

const noon = toInstant(Date.parse('2026-11-30T12:00:00Z'));
const later = (ms: number) => addMs(noon, ms);

describe('the retry policy of webhooks', () => {
  it.each([
    [200, 'delivered'],
    [299, 'delivered'],
    [302, 'pending'],
    [410, 'pending'],
    [503, 'pending'],
    [undefined, 'pending'],
  ])('after the answer %s a delivery is %s', (statusCode, status) => {
    expect(statusAfter({ statusCode }, false)).toBe(status);
  });

  it('gives a delivery up after its last attempt, unless that is acknowledged', () => {
    expect(statusAfter({ statusCode: 503 }, true)).toBe('dead');
    expect(statusAfter({ statusCode: 204 }, true)).toBe('delivered');
  });

  it('doubles the delay from 5 s to 15 minutes', () => {
    const delays = [1, 2, 3, 7, 8, 9].map((number) => retryOf(number, 10).delaySeconds);
    expect([firstRetry.delaySeconds, ...delays]).toEqual([5, 10, 20, 40, 640, 900, 900]);
    expect(retryOf(9, 10)).toMatchObject({ tries: 8, last: false });
    expect(retryOf(10, 10)).toEqual({ tries: 9, last: true, delaySeconds: 5 });
  });

  it('checks the turn of a held delivery after 1 s to 15 minutes, for a day', () => {
    expect(holdSeconds(noon, turnAfter(noon))).toBe(10);
    expect(holdSeconds(noon, later(-1))).toBe(1);
    expect(holdSeconds(noon, later(3_600_000))).toBe(900);
    expect(isHeldTooLong({ createdAt: noon }, later(86_400_000))).toBe(false);
    expect(isHeldTooLong({ createdAt: noon }, later(86_400_001))).toBe(true);
  });

  it('counts a delivery as lost 15 minutes after its last attempt or hold', () => {
    const attempt = { at: later(60_000), durationMs: 1 };
    const delivery = { attempts: [attempt], createdAt: noon };
    expect(hasLeftQueue(delivery, later(959_999))).toBe(false);
    expect(hasLeftQueue(delivery, later(960_000))).toBe(true);
    const held = { until: later(120_000), reason: 'circuit_open' as const };
    expect(hasLeftQueue({ ...delivery, held }, later(960_000))).toBe(false);
  });
});
