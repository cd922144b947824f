import { describe, expect, it } from 'vitest';
import { withPathLock } from './path-lock.ts';

const never = new AbortController().signal;

describe('withPathLock', () => {
  it('admits one holder at a time, in the order of requests', async () => {
    const seen: string[] = [];
    const enter = (name: string) =>
      withPathLock('/a', never, async () => {
        seen.push(`${name} in`);
        await Promise.resolve();
        seen.push(`${name} out`);
      });
    await Promise.all([enter('one'), enter('two')]);
    expect(seen).toEqual(['one in', 'one out', 'two in', 'two out']);
  });

  it('does not block other paths, and continues after a failure', async () => {
    await withPathLock('/a', never, () => withPathLock('/b', never, async () => undefined));
    await expect(withPathLock('/a', never, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await withPathLock('/a', never, async () => 'in')).toBe('in');
  });

  it('does not run the work when the wait is cancelled', async () => {
    const waiting = new AbortController();
    const first = withPathLock('/a', never, async () => waiting.abort());
    await expect(withPathLock('/a', waiting.signal, async () => 'in')).rejects.toThrow();
    await first;
  });

  it('rejects a wait that is cancelled while another holds the path', async () => {
    const held = Promise.withResolvers<void>();
    const first = withPathLock('/a', never, () => held.promise);
    const waiting = new AbortController();
    const second = withPathLock('/a', waiting.signal, async () => 'in');
    const third = withPathLock('/a', never, async () => 'in');
    waiting.abort();
    await expect(second).rejects.toThrow();
    held.resolve();
    await first;
    expect(await third).toBe('in');
  });
});
