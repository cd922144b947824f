import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

test('takes the lock of a dead holder', async () => {
  // No process has this number: Linux counts to at most 4,194,304.
  writeFileSync(path, '99999999');
  expect(await withLock(path, async () => 'done')).toBe('done');
});
