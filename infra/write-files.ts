/**
 * Writes build results: a file appears whole or not at all, and an unchanged file keeps its time for its
 * readers.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Writes the file, unless its content is the same. */
export const writeWhole = (path: string, content: Uint8Array | string, mode = 0o644): void => {
  const bytes = Buffer.from(content);
  if (existsSync(path) && readFileSync(path).equals(bytes)) return;
  mkdirSync(dirname(path), { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, bytes, { mode });
  renameSync(unfinished, path);
};

/** Lists the paths of all files in the folder, relative to it. */
const filesIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    : [];

/** Makes the folder `to` equal to `from`. */
export const mirror = (from: string, to: string): void => {
  const wanted = filesIn(from);
  for (const path of wanted) writeWhole(join(to, path), readFileSync(join(from, path)));
  for (const path of filesIn(to)) if (!wanted.includes(path)) rmSync(join(to, path), { force: true });
};
