import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../local/template/synth.ts';
import { contributingFile, foldersOf, indexLineOf, maxSourceFiles, trackedFiles, withMap } from './tree.ts';

it('shows every folder with its line; `npm run docs:tree` updates the map', () => {
  const page = readFileSync(contributingFile, 'utf8');
  expect(page).toBe(withMap(page));
});

it('finds a line in every folder', () => {
  expect(foldersOf(trackedFiles()).filter((folder) => !indexLineOf(folder))).toEqual([]);
});

it(`finds no folder with over ${maxSourceFiles} source files beside tests`, () => {
  const counts = new Map<string, number>();
  for (const file of trackedFiles()) {
    if (!/\.(ts|tsx|py)$/.test(file) || /\.test\.tsx?$/.test(file)) continue;
    counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  }
  const crowded = [...counts].filter(
    ([folder, count]) => count > maxSourceFiles && /^(lambdas|runner-agent|local|web)\b/.test(folder),
  );
  expect(crowded).toEqual([]);
});

it('finds every source file that README, CONTRIBUTING and docs name', () => {
  const pages = trackedFiles().filter((file) => /^(README|CONTRIBUTING|docs\/.+)\.md$/.test(file));
  const missing = pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/`([\w.-]+\/[\w./-]+\.tsx?)`/g)]
      .map(([, named = '']) => named)
      .filter((named) => !existsSync(join(root, named)))
      .map((named) => `${page}: ${named}`),
  );
  expect(missing).toEqual([]);
});
