import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { root } from '../local/template/synth.ts';
import { defineRequire } from './bundle.ts';
import { lazyBuiltins } from './lazy-builtins.ts';

const folder = mkdtempSync(join(tmpdir(), 'reveille-lazy-builtins-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Uses a default, a named and a namespace import, and prints whether Node has loaded its fetch. */
const program = `
  import { createServer } from 'node:http';
  import os from 'node:os';
  import * as path from 'node:path';
  createServer();
  const loaded = process.moduleLoadList.includes('NativeModule internal/deps/undici/undici');
  console.log(JSON.stringify([path.basename('/a/b'), os.EOL, loaded]));
`;
const printed = async (name: string, plugins: Plugin[]): Promise<unknown> => {
  const outfile = join(folder, `${name}.mjs`);
  const stdin = { contents: program, resolveDir: root };
  const options = { bundle: true, format: 'esm', platform: 'node', banner: { js: defineRequire } } as const;
  await build({ ...options, stdin, outfile, plugins });
  return JSON.parse(execFileSync(process.execPath, [outfile], { encoding: 'utf8' }));
};

describe('lazyBuiltins', () => {
  it("keeps Node's fetch out of a bundle that imports node:http", async () => {
    expect(await printed('eager', [])).toEqual(['b', '\n', true]);
    expect(await printed('lazy', [lazyBuiltins])).toEqual(['b', '\n', false]);
  });
});
