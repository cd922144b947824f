import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { mutants } from './mutant-list.ts';

const root = resolve(import.meta.dirname, '../..');

it('has only mutants of existing code', async () => {
  const isThere = async ({ file, from }: (typeof mutants)[number]) =>
    (await readFile(resolve(root, file), 'utf8')).includes(from);
  const found = await Promise.all(mutants.map(async (mutant) => ({ ...mutant, is: await isThere(mutant) })));
  expect(found.filter(({ is }) => !is).map(({ name }) => name)).toEqual([]);
});
