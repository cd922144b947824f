import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { noticesOf } from './notices.ts';

const folder = mkdtempDisposableSync(join(tmpdir(), 'reveille-notices-'));
afterAll(() => folder.remove());

const write = (path: string, content: string): void => {
  mkdirSync(dirname(join(folder.path, path)), { recursive: true });
  writeFileSync(join(folder.path, path), content);
};
const makePackage = (name: string, license: string | undefined, text: string): void => {
  write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', license }));
  write(`node_modules/${name}/LICENSE.md`, text);
};

it('names each package of a bundle once, with its license, and each text once', () => {
  makePackage('@scope/one', 'MIT', 'Do what you like.');
  makePackage('two', 'MIT', 'Do what you like.');
  makePackage('two/node_modules/three', 'ISC', 'Name us.');
  makePackage('unused', 'ISC', 'Not in the bundle.');
  const files = ['lambdas/api/index.ts', 'node_modules/@scope/one/a.js', 'node_modules/@scope/one/b.js'];
  const notices = noticesOf(folder.path, [
    ...files,
    'node_modules/two/lib/index.js',
    'node_modules/two/node_modules/three/index.js',
  ]);
  const line = '-'.repeat(80);
  expect(notices.split(`\n\n${line}\n\n`)).toEqual([
    'This program contains the packages below.',
    '@scope/one 1.0.0 (MIT)\ntwo 1.0.0 (MIT)\n\nDo what you like.',
    'two/node_modules/three 1.0.0 (ISC)\n\nName us.\n',
  ]);
});

it('refuses a package without a license', () => {
  makePackage('nameless', undefined, 'Whose?');
  expect(() => noticesOf(folder.path, ['node_modules/nameless/index.js'])).toThrow('license');
});
