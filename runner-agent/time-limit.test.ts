import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { waitForConfirmation } from './confirmation.ts';
import { createTimeLimit } from './time-limit.ts';

describe('a time limit', () => {
  it('aborts when the time is over, and not while it is paused', async () => {
    const limit = createTimeLimit(20);
    limit.pause();
    const other = createTimeLimit(40);
    await once(other.signal, 'abort');
    expect(limit.signal.aborted).toBe(false);
    limit.resume();
    await once(limit.signal, 'abort');
  });
});

describe('waiting for a confirmation', () => {
  const never = new Promise<boolean>(() => {});
  const end = new AbortController().signal;

  it('ends with the word, with the time, or with the task', async () => {
    const wait = (decision: Promise<boolean>, withinMs: number, signal = end) =>
      waitForConfirmation({ task: { decision }, withinMs, end: signal });
    expect(await wait(Promise.resolve(true), 1000)).toBe('confirmed');
    expect(await wait(Promise.resolve(false), 1000)).toBe('rejected');
    expect(await wait(never, 5)).toBe('too_late');
    expect(await wait(never, 1000, AbortSignal.abort())).toBe('ended');
  });
});
