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
  const write = (path: string, contents: Uint8Array | string) => {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, contents);
  };
  const sources = join(folder.path, 'lambdas/broken');
  write(join(sources, 'index.ts'), "\nawait import('./rare.ts');\n");
  write(
    join(sources, 'rare.ts'),
    "\n\nconst fail = (): never => {\n  throw new TypeError('It broke.');\n};\nfail();\n",
  );
  for (const splits of ['in one file', 'in two files']) {
    const outDir = join(folder.path, splits);
    const areSplit = new Set(splits === 'in two files' ? ['broken'] : []);
    const files = await bundleFunctions(root, { broken: join(sources, 'index.ts') }, outDir, areSplit);
    for (const { path, contents } of files) write(path, contents);
    const bundle = join(outDir, 'broken/index.mjs');
    const print = `import(${JSON.stringify(bundle)}).catch((error) => console.log(error.stack))`;
    const trace = () => execFileSync(process.execPath, ['-e', print], { encoding: 'utf8' }).split('\n');

    expect(trace().slice(0, 2)).toEqual([
      'TypeError: It broke.',
      expect.stringMatching(/^ {4}at .*lambdas\/broken\/rare\.ts:4:9\)?$/),
    ]);
    for (const { path } of files) if (path.endsWith('.map')) rmSync(path);
    expect(trace().slice(0, 2)).toEqual([
      'TypeError: It broke.',
      expect.stringMatching(/^ {4}at .*broken\/(index|rare-\w+)\.mjs:\d+:\d+\)?$/),
    ]);
  }
});
