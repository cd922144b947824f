import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempDisposableSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { root } from '../local/template/synth.ts';
import { bundleFunction } from './bundle.ts';

const folder = mkdtempDisposableSync(join(tmpdir(), 'reveille-stack-traces-'));
afterAll(() => folder.remove());

it('names the lines of the sources in the traces of a function, and those of the bundle without its map', async () => {
  const write = (path: string, contents: Uint8Array | string) => {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, contents);
  };
  const sources = join(folder.path, 'lambdas/broken');
  write(
    join(sources, 'index.ts'),
    "if (process.env.RARE) await import('./rare.ts');\nelse throw new TypeError('It broke.');\n",
  );
  write(
    join(sources, 'rare.ts'),
    "\n\nexport const fail = (): never => {\n  throw new TypeError('It broke.');\n};\nfail();\n",
  );
  const outDir = join(folder.path, 'dist');
  const files = await bundleFunction(root, join(sources, 'index.ts'), outDir);
  for (const { path, contents } of files) write(path, contents);
  const print = `import(${JSON.stringify(join(outDir, 'index.mjs'))}).catch((error) => console.log(error.stack))`;
  const trace = (RARE = '') =>
    execFileSync(process.execPath, ['-e', print], { encoding: 'utf8', env: { RARE } })
      .split('\n')
      .slice(0, 2);

  const message = 'TypeError: It broke.';
  expect(trace()).toEqual([message, expect.stringMatching(/^ {4}at .*lambdas\/broken\/index\.ts:2:12\)?$/)]);
  expect(trace('yes')).toEqual([
    message,
    expect.stringMatching(/^ {4}at .*lambdas\/broken\/rare\.ts:4:9\)?$/),
  ]);
  for (const { path } of files) if (path.endsWith('.map')) rmSync(path);
  expect(trace()).toEqual([message, expect.stringMatching(/^ {4}at .*dist\/index\.mjs:\d+:\d+\)?$/)]);
  expect(trace('yes')).toEqual([message, expect.stringMatching(/^ {4}at .*dist\/rare-\w+\.mjs:\d+:\d+\)?$/)]);
});
