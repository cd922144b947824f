import { describe, expect, it } from 'vitest';
import { heldTime } from '../testing/held-time.ts';
import { waitForConfirmation } from './confirmation.ts';
import { createTimeLimit } from './time-limit.ts';

describe('a time limit', () => {
  it('aborts when the time is over, but not while paused', () => {
    const { timing, pass } = heldTime();
    const limit = createTimeLimit(60_000, timing);
    pass(20_000);
    limit.pause();
    pass(3_600_000);
    limit.resume();
    pass(39_999);
    expect(limit.signal.aborted).toBe(false);
    pass(1);
    expect(limit.signal.aborted).toBe(true);
  });

  it('never aborts once it is cleared', () => {
    const { timing, pass } = heldTime();
    const limit = createTimeLimit(60_000, timing);
    limit.clear();
    pass(60_000);
    expect(limit.signal.aborted).toBe(false);
  });
});

describe('waiting for a confirmation', () => {
  const never = new Promise<boolean>(() => {});
  const end = new AbortController().signal;

  it('ends with the decision, the timeout, or the task', async () => {
    const { timing, pass } = heldTime();
    const wait = (decision: Promise<boolean>, withinMs: number, signal = end) =>
      waitForConfirmation({ task: { decision }, withinMs, end: signal, timing });
    expect(await wait(Promise.resolve(true), 1000)).toBe('confirmed');
    expect(await wait(Promise.resolve(false), 1000)).toBe('rejected');
    const late = wait(never, 86_400_000);
    pass(86_400_000);
    expect(await late).toBe('too_late');
    expect(await wait(never, 1000, AbortSignal.abort())).toBe('ended');
  });
});
