import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { withLock } from './build-lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'reveille-lock-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'dist/lock');

test('makes the second wait until the first is done, also when the first fails', async () => {
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = withLock(path, async () => {
    await gate.promise;
    order.push('first');
    throw new Error('failed');
  });
  const second = withLock(path, async () => order.push('second'));
  gate.resolve();
  await expect(first).rejects.toThrow('failed');
  await second;
  expect(order).toEqual(['first', 'second']);
});

// No process has this number: Linux counts to at most 4,194,304.
const deadPid = '99999999';

test('takes the place of a dead holder', async () => {
  writeFileSync(join(path, '1'), deadPid);
  expect(await withLock(path, async () => 'done')).toBe('done');
});

test('gives the place of each of ten dead holders to one process at a time', async () => {
  const mark = JSON.stringify(join(folder, 'at work'));
  const program = `
    import { rmSync, writeFileSync } from 'node:fs';
    import { withLock } from ${JSON.stringify(join(import.meta.dirname, 'build-lock.ts'))};
    await withLock(${JSON.stringify(path)}, async () => {
      writeFileSync(${mark}, '', { flag: 'wx' });
      await new Promise((done) => setImmediate(done));
      rmSync(${mark});
      process.kill(process.pid, 'SIGKILL');
    });`;
  const run = promisify(execFile);
  const runs = Array.from({ length: 10 }, () =>
    run(process.execPath, ['--input-type=module', '-e', program]).catch((error: unknown) => error),
  );
  for (const ended of await Promise.all(runs)) expect(ended).toMatchObject({ signal: 'SIGKILL' });
  expect(await withLock(path, async () => 'done')).toBe('done');
});

test('rejects when the folder cannot be written', async () => {
  writeFileSync(join(folder, 'file'), '');
  await expect(withLock(join(folder, 'file/tickets'), async () => 'done')).rejects.toThrow('ENOTDIR');
});
