import {
  existsSync,
  mkdirSync,
  mkdtempDisposableSync,
  mkdtempSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { unlessBuilt } from './built.ts';
import { fingerprintOf } from './fingerprint.ts';
import { keepFolder } from './kept-folder.ts';

const temporary = mkdtempDisposableSync(join(tmpdir(), 'reveille-kept-'));
afterAll(() => temporary.remove());
const emptyFolder = (): string => mkdtempSync(join(temporary.path, 'test-'));

/** Linux gives no process this id: its greatest is 4,194,304. */
const noProcess = 4_999_999;

it('makes a folder once, and removes those of other versions that no process uses', async () => {
  const parent = join(emptyFolder(), 'kept');
  const made: string[] = [];
  const keep = (version: string, name: string, userPid: number) =>
    keepFolder({ parent, versionNow: () => version, name, userPid }, async (folder) => {
      mkdirSync(folder);
      made.push(`${version} ${name}`);
    });

  const used = await keep('one', 'a', process.pid);
  const unused = await keep('one', 'b', noProcess);
  expect(await keep('one', 'a', noProcess)).toBe(used);
  expect(made).toEqual(['one a', 'one b']);

  const next = await keep('two', 'a', process.pid);
  expect([used, unused, next].map((folder) => existsSync(folder))).toEqual([true, false, true]);
});

it('keeps no folder that could not be filled', async () => {
  const one = {
    parent: join(emptyFolder(), 'kept'),
    versionNow: () => 'one',
    name: 'a',
    userPid: process.pid,
  };
  const fail = async (folder: string) => {
    mkdirSync(folder);
    throw new Error('The disk is full.');
  };
  await expect(keepFolder(one, fail)).rejects.toThrow('The disk is full.');
  const folder = await keepFolder(one, async (path) => mkdirSync(path));
  expect(existsSync(folder)).toBe(true);
});

it('keeps a folder for its caller only when the sources changed while it was made', async () => {
  const parent = join(emptyFolder(), 'kept');
  let version = 'one';
  const keep = (made: string) =>
    keepFolder({ parent, versionNow: () => version, name: 'a', userPid: process.pid }, async (folder) => {
      mkdirSync(folder);
      version = made;
    });
  const mixed = await keep('two');
  version = 'one';
  const whole = await keep('one');
  expect(whole).not.toBe(mixed);
  expect([mixed, whole].map((folder) => existsSync(folder))).toEqual([true, true]);
  expect(await keep('one')).toBe(whole);
});

it('builds again when the sources changed during a build, also back to what they were', async () => {
  const root = emptyFolder();
  const [source, result] = [join(root, 'source'), join(root, 'result')];
  const build = { root, sources: ['source'], marker: join(root, 'marker'), results: [result] };
  writeFileSync(source, 'one');
  await unlessBuilt(build, async () => {
    writeFileSync(source, 'two');
    writeFileSync(result, readFileSync(source));
  });
  writeFileSync(source, 'one');
  await unlessBuilt(build, async () => writeFileSync(result, readFileSync(source)));
  expect(readFileSync(result, 'utf8')).toBe('one');
});

it('changes the fingerprint with a name or a content, and not with a test', () => {
  const root = emptyFolder();
  mkdirSync(join(root, 'src/dist'), { recursive: true });
  const write = (name: string, content: string) => writeFileSync(join(root, name), content);
  const fingerprint = () => fingerprintOf(root, ['src', 'lock.json']);
  write('lock.json', '{}');
  write('src/a.ts', 'a');
  const first = fingerprint();
  write('src/a.test.ts', 'test');
  write('src/dist/a.js', 'result');
  expect(fingerprint()).toBe(first);
  const seen = [first];
  for (const [name, content] of [
    ['src/a.ts', 'b'],
    ['src/b.ts', ''],
    ['lock.json', '[]'],
  ] as const) {
    write(name, content);
    expect(seen).not.toContain(fingerprint());
    seen.push(fingerprint());
  }
});
