import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { bundle, functionNamesIn, noticesName } from '../infra/bundle.ts';
import { root } from '../local/template/synth.ts';
import { version } from '../protocol/version.ts';

const lockFile = z.object({ packages: z.record(z.string(), z.object({ license: z.string().optional() })) });

const manifest = z.object({ version: z.string() });

it('has the version of package.json in the agent and the command line', () => {
  expect(manifest.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))).version).toBe(version);
});

describe('a bundle', () => {
  it('has its notices beside it, none of them under the AGPL; agent and command line have no package.json in them', async () => {
    const { folderOf, agentFile, cliFile } = await bundle(root);
    const functions = functionNamesIn(root).map((name) => join(folderOf(name), 'index.mjs'));
    for (const file of [agentFile, cliFile, ...functions]) {
      const notices = readFileSync(join(dirname(file), noticesName), 'utf8');
      expect(notices).toMatch(/^zod \d+\.\d+\.\d+ \(MIT\)$/m);
      expect(notices).not.toContain('AGPL');
    }
    const embeds = [agentFile, cliFile].map((file) => readFileSync(file, 'utf8').includes('devDependencies'));
    expect(embeds).toEqual([false, false]);
  });
});

describe('the lock file', () => {
  it('has no package under the GPL or AGPL alone, and none without a license', () => {
    const { packages } = lockFile.parse(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));
    const isFree = (license: string) => license.split(' OR ').some((one) => !/GPL/.test(one));
    const refused = Object.entries(packages).filter(([, { license = 'GPL' }]) => !isFree(license));
    expect(refused).toEqual([]);
  });
});
