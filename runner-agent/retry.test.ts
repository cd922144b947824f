import { describe, expect, it } from 'vitest';
import { type RetryOptions, retry } from './retry.ts';
import { virtualTime } from './testing/virtual-time.ts';

/** Tries a call that succeeds at a certain try. Records the times of the tries and the reported errors. */
const trying = (succeedsAt: number, given: Partial<RetryOptions> & { readonly random?: number } = {}) => {
  const { random = 1, ...options } = given;
  const { timing, pass } = virtualTime();
  const triedAt: number[] = [];
  const reported: unknown[] = [];
  const call = async (tries: number) => {
    triedAt.push(timing.now());
    if (tries < succeedsAt) throw new Error(`failure ${tries}`);
    return `answer ${tries}`;
  };
  const result = retry(call, {
    isFinal: () => false,
    onRetry: (error) => reported.push(error),
    timing: { ...timing, random: () => random },
    baseMs: 100,
    maxMs: 300,
    ...options,
  });
  return { result, triedAt, reported, pass };
};

describe('retry', () => {
  it('returns the answer of the first successful try, after doubled and capped delays', async () => {
    const { result, triedAt, pass } = trying(5);
    await pass(899);
    expect(triedAt).toEqual([0, 100, 300, 600]);
    await pass(1);
    expect(await result).toBe('answer 5');
  });

  it('shortens a delay by chance, to its half at least', async () => {
    const { result, triedAt, pass } = trying(3, { random: 0 });
    await pass(150);
    await result;
    expect(triedAt).toEqual([0, 50, 150]);
  });

  it('reports each error that another try follows, and rejects with the final one', async () => {
    const { result, reported, pass } = trying(9, { isFinal: (_, tries) => tries === 3 });
    const rejected = expect(result).rejects.toThrow('failure 3');
    await pass(300);
    await rejected;
    expect(reported).toEqual([new Error('failure 1'), new Error('failure 2')]);
  });

  it('ends a wait when its signal aborts, without another try', async () => {
    const aborted = new AbortController();
    const { result, triedAt, pass } = trying(9, { signal: aborted.signal });
    const rejected = expect(result).rejects.toBe('enough');
    await pass(50);
    aborted.abort('enough');
    await rejected;
    expect(triedAt).toEqual([0]);
  });

  it('rejects with the error of the try during which its signal aborts', async () => {
    const aborted = new AbortController();
    const call = async () => {
      aborted.abort();
      throw new Error('cut short');
    };
    const { timing } = virtualTime();
    const options = { isFinal: () => false, signal: aborted.signal, timing, baseMs: 100, maxMs: 300 };
    await expect(retry(call, options)).rejects.toThrow('cut short');
  });

  it('tries nothing once its signal has aborted', async () => {
    const { result, triedAt } = trying(9, { signal: AbortSignal.abort('too late') });
    await expect(result).rejects.toBe('too late');
    expect(triedAt).toEqual([]);
  });
});
