import { describe, expect, it } from 'vitest';
import { virtualTime } from '../testing/virtual-time.ts';
import { waitForConfirmation } from './confirmation.ts';
import { createTimeLimit } from './time-limit.ts';

describe('a time limit', () => {
  it('aborts when the time is over, but not while paused', async () => {
    const { timing, pass } = virtualTime();
    const limit = createTimeLimit(60_000, timing);
    await pass(20_000);
    limit.pause();
    await pass(3_600_000);
    limit.resume();
    await pass(39_999);
    expect(limit.signal.aborted).toBe(false);
    await pass(1);
    expect(limit.signal.aborted).toBe(true);
  });

  it('never aborts once it is cleared', async () => {
    const { timing, pass } = virtualTime();
    const limit = createTimeLimit(60_000, timing);
    limit.clear();
    await pass(60_000);
    expect(limit.signal.aborted).toBe(false);
  });
});

describe('waiting for a confirmation', () => {
  const never = new Promise<boolean>(() => {});
  const end = new AbortController().signal;

  it('ends with the decision, the timeout, or the task', async () => {
    const { timing, pass } = virtualTime();
    const wait = (decision: Promise<boolean>, withinMs: number, signal = end) =>
      waitForConfirmation({ task: { decision }, withinMs, end: signal, timing });
    expect(await wait(Promise.resolve(true), 1000)).toBe('confirmed');
    expect(await wait(Promise.resolve(false), 1000)).toBe('rejected');
    const late = wait(never, 86_400_000);
    await pass(86_400_000);
    expect(await late).toBe('too_late');
    expect(await wait(never, 1000, AbortSignal.abort())).toBe('ended');
  });
});
