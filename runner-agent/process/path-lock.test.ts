import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
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

  it.skipIf(process.platform !== 'linux')('excludes another process until its holder is killed', async () => {
    const module = join(import.meta.dirname, 'path-lock.ts');
    const code = `import { withPathLock } from ${JSON.stringify(module)};
      const hold = () => { console.log('in'); return new Promise(() => setInterval(() => {}, 1000)); };
      await withPathLock('/c', new AbortController().signal, hold);`;
    const other = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(other.stdout, 'data');
    let isIn = false;
    const entered = withPathLock('/c', never, async () => {
      isIn = true;
    });
    await withPathLock('/d', never, async () => undefined);
    expect(isIn).toBe(false);
    other.kill('SIGKILL');
    await entered;
    expect(isIn).toBe(true);
  });
});
