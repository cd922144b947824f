import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { root } from '../local/template/synth.ts';

const lockFile = z.object({ packages: z.record(z.string(), z.object({ license: z.string().optional() })) });

describe('the lock file', () => {
  it('has no package under the GPL or AGPL alone, and none without a license', () => {
    const { packages } = lockFile.parse(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));
    const isFree = (license: string) => license.split(' OR ').some((one) => !/GPL/.test(one));
    const refused = Object.entries(packages).filter(([, { license = 'GPL' }]) => !isFree(license));
    expect(refused).toEqual([]);
  });
});
