import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mirror, writeWhole } from './write-files.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reveille-files-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('keeps a file whose content is the same', () => {
  const path = join(folder, 'deep/er/file');
  writeWhole(path, 'one', 0o755);
  const { ino, mode } = statSync(path);
  expect(mode & 0o777).toBe(0o755);
  writeWhole(path, 'one');
  expect(statSync(path).ino).toBe(ino);
  writeWhole(path, 'two');
  expect(readFileSync(path, 'utf8')).toBe('two');
});

test('makes a mirror equal to the other folder', () => {
  const [from, to] = [join(folder, 'from'), join(folder, 'to')];
  for (const [path, text] of [
    ['from/index.html', 'page'],
    ['from/assets/a-2.js', 'two'],
    ['to/assets/a-1.js', 'one'],
  ] as const) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  mirror(from, to);
  expect(readFileSync(join(to, 'assets/a-2.js'), 'utf8')).toBe('two');
  expect(readFileSync(join(to, 'index.html'), 'utf8')).toBe('page');
  expect(existsSync(join(to, 'assets/a-1.js'))).toBe(false);
});
