import { mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { pureConstants, withPureConstants } from './pure-constants.ts';

const folder = mkdtempDisposableSync(join(tmpdir(), 'reveille-pure-constants-'));
afterAll(() => folder.remove());

describe('withPureConstants', () => {
  it('marks the values of constants at the top that are made by calls, and keeps the lines', () => {
    const marked = (value: string) => `/* @__PURE__ */ (() => (${value}))()`;
    const value = 'make({\n  a: other,\n}).more() satisfies Thing';
    const rest =
      'let c = make();\nexport const f = () => { const d = make(); };\nconst { e } = make();\nmake();\n';
    expect(withPureConstants(`const a = 1;\nexport const b: Thing = ${value};\n${rest}`)).toBe(
      `const a = 1;\nexport const b: Thing = ${marked(value)};\n${rest}`,
    );
  });
});

describe('pureConstants', () => {
  it('leaves only the constants that are used, and those that these are made of', async () => {
    const path = join(folder.path, 'things.ts');
    writeFileSync(
      path,
      `const make = (name: string, ...parts: object[]) => ({ name, parts });
       const part = make('part');
       export const used = make('used', part);
       export const unused = make('unused', make('inner'));
       globalThis.console.log('an effect');`,
    );
    const { outputFiles } = await build({
      stdin: {
        contents: "import { used } from './things.ts'; export default used;",
        resolveDir: folder.path,
      },
      bundle: true,
      write: false,
      format: 'esm',
      plugins: [pureConstants],
    });
    const [{ text } = { text: '' }] = outputFiles;
    for (const kept of ['"used"', '"part"', 'an effect']) expect(text).toContain(kept);
    expect(text).not.toMatch(/"unused"|"inner"/);
  });
});
