/**
 * `npm run docs:tree`: writes the map of folders to CONTRIBUTING.md, from the first line of each README.md,
 * index.ts or page.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { root } from '../../local/template/synth.ts';

export const contributingFile = join(root, 'CONTRIBUTING.md');

/** Folders without their own sources: data, pictures, dumps of tables. */
const withoutIndex = /^(\.|docs\/images|test\/upgrade\/\d|web\/public)/;
/** Maximum source files in a folder, beside tests: people do not read a longer list. */
export const maxSourceFiles = 25;

/** Paths of all files that git tracks, from the root: other tests create files meanwhile. */
export const trackedFiles = (): string[] =>
  execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((path) => path !== '' && existsSync(join(root, path)));

/** Folders in the map, parents first. */
export const foldersOf = (files: readonly string[]): string[] => {
  const folders = new Set<string>();
  for (const file of files)
    for (let folder = dirname(file); folder !== '.'; folder = dirname(folder)) folders.add(folder);
  return [...folders].filter((folder) => !withoutIndex.test(folder)).toSorted();
};

/**
 * Returns the folder's line: its README.md, or the first sentence of its index.ts, or of the page that has
 * its name. Undefined when it has none of them.
 */
export const indexLineOf = (folder: string): string | undefined => {
  const readme = join(root, folder, 'README.md');
  if (existsSync(readme)) return readFileSync(readme, 'utf8').split('\n')[0];
  const index = ['index.ts', `${basename(folder)}.tsx`]
    .map((file) => join(root, folder, file))
    .find(existsSync);
  if (index === undefined) return undefined;
  const [, comment] = /^\/\*\*(.+?)\*\//s.exec(readFileSync(index, 'utf8')) ?? [];
  const [sentence] = /^.+?\.(?=\s|$)/.exec(comment?.replaceAll(/\s*\n \*\s*/g, ' ').trim() ?? '') ?? [];
  return sentence;
};

const begins = '<!-- map: npm run docs:tree -->';
const ends = '<!-- /map -->';

/** Returns the page with the current map. Throws when the page has no place for it. */
export const withMap = (page: string): string => {
  const start = page.indexOf(begins);
  const end = page.indexOf(ends);
  if (start < 0 || end < start) throw new Error(`CONTRIBUTING.md has no lines ${begins} and ${ends}.`);
  const lines = foldersOf(trackedFiles()).map((folder) => {
    const name = `${'  '.repeat(folder.split('/').length - 1)}${basename(folder)}/`;
    return `${name.padEnd(24)} ${indexLineOf(folder) ?? ''}`.trimEnd();
  });
  return `${page.slice(0, start)}${begins}\n\n\`\`\`\n${lines.join('\n')}\n\`\`\`\n\n${page.slice(end)}`;
};

if (import.meta.main) writeFileSync(contributingFile, withMap(readFileSync(contributingFile, 'utf8')));
