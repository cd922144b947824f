/** Writes build results: a file is there whole or not at all, and one that has not changed is left alone for who reads it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Writes the file, unless it has that content. */
export const writeWhole = (path: string, content: Uint8Array | string, mode = 0o644): void => {
  const bytes = Buffer.from(content);
  if (existsSync(path) && readFileSync(path).equals(bytes)) return;
  mkdirSync(dirname(path), { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, bytes, { mode });
  renameSync(unfinished, path);
};

/** Paths of all files in the folder, relative to it. */
const filesIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    : [];

/** Makes the folder `to` hold what `from` holds and nothing else. */
export const mirror = (from: string, to: string): void => {
  const wanted = filesIn(from);
  for (const path of wanted) writeWhole(join(to, path), readFileSync(join(from, path)));
  for (const path of filesIn(to)) if (!wanted.includes(path)) rmSync(join(to, path), { force: true });
};
