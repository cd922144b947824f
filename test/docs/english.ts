/** `npm run check:english`: finds breaks of docs/contributing/style.md that a machine can see. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../local/template/synth.ts';
import { trackedFiles } from './tree.ts';

const maxColumns = 110;

/** A doc comment begins with its subject or its verb. */
const bannedBeginning = /^(Of|What|Who|Whoever|Whose|That|Which|How|Whether|So (many|much|long))\b/;

/** Words of an older dialect of this code, each with the word to use. */
const dialect: readonly (readonly [RegExp, string])[] = [
  [/\banew\b/i, 'again'],
  [/\bnobody's\b/i, 'orphan'],
  [/\bof (its|their) own accord\b/i, 'by itself'],
  [/\bso many\b/i, 'the number'],
  [/\bwhoever\b/i, 'the person, the caller, the sender'],
];

const commentLine = /^\s*(\/\*\*|\*(?!\/)|\/\/)/;

/** One line for each fault, `path:line: what is wrong`. */
export const faultsIn = (path: string, text: string): string[] => {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    if (!commentLine.test(line)) return [];
    const faults: string[] = [];
    // A directive of the linter and a URL cannot be wrapped.
    if ([...line].length > maxColumns && !/biome-ignore|https?:/.test(line))
      faults.push(`wrap the comment at ${maxColumns} columns`);
    const opens = /^\s*\/\*\*\s*(.*)$/.exec(line);
    const first = opens?.[1] === '' ? (lines[index + 1] ?? '').replace(/^\s*\*\s*/, '') : opens?.[1];
    const beginning = first && bannedBeginning.exec(first);
    if (beginning) faults.push(`begin with a subject or a verb, not with "${beginning[0]}"`);
    for (const [word, better] of dialect) {
      const found = word.exec(line);
      if (found) faults.push(`write "${better}" in place of "${found[0]}"`);
    }
    return faults.map((fault) => `${path}:${index + 1}: ${fault}`);
  });
};

if (import.meta.main) {
  const faults = trackedFiles()
    .filter((path) => /\.tsx?$/.test(path))
    .flatMap((path) => faultsIn(path, readFileSync(join(root, path), 'utf8')));
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) {
    console.error(`${faults.length} comments are not in plain English: docs/contributing/style.md`);
    process.exitCode = 1;
  }
}
