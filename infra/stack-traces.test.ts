import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempDisposableSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { root } from '../local/template/synth.ts';
import { bundleFunctions } from './bundle.ts';

const folder = mkdtempDisposableSync(join(tmpdir(), 'reveille-stack-traces-'));
afterAll(() => folder.remove());

it('names the lines of the sources in the traces of a function, and those of the bundle without its map', async () => {
  const source = join(folder.path, 'lambdas/broken/index.ts');
  mkdirSync(join(source, '..'), { recursive: true });
  writeFileSync(source, "\nconst fail = (): never => {\n  throw new TypeError('It broke.');\n};\nfail();\n");
  const outDir = join(folder.path, 'dist');
  for (const { path, contents } of await bundleFunctions(root, { 'broken/index': source }, outDir)) {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, contents);
  }
  const bundle = join(outDir, 'broken/index.mjs');
  const print = `import(${JSON.stringify(bundle)}).catch((error) => console.log(error.stack))`;
  const trace = () => execFileSync(process.execPath, ['-e', print], { encoding: 'utf8' }).split('\n');

  expect(trace().slice(0, 2)).toEqual([
    'TypeError: It broke.',
    expect.stringMatching(/^ {4}at .*lambdas\/broken\/index\.ts:3:9\)?$/),
  ]);
  rmSync(`${bundle}.map`);
  expect(trace().slice(0, 2)).toEqual([
    'TypeError: It broke.',
    expect.stringMatching(/^ {4}at .*broken\/index\.mjs:\d+:\d+\)?$/),
  ]);
});
