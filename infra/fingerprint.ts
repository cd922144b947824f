/** Fingerprint of sources: results of the same sources are made once. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const isSource = (path: string): boolean => !path.endsWith('.test.ts') && !path.split(sep).includes('dist');

const filesIn = (path: string): string[] =>
  statSync(path).isFile()
    ? [path]
    : readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name));

/**
 * Changes with the name and the content of each file in these files and folders of `root`. Tests and `dist`
 * folders do not count.
 */
export const fingerprintOf = (root: string, paths: readonly string[]): string => {
  const hash = createHash('sha256');
  const files = paths
    .flatMap((path) => filesIn(join(root, path)))
    .filter((file) => isSource(relative(root, file)))
    .sort();
  for (const file of files) {
    const content = readFileSync(file);
    hash.update(`${relative(root, file)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
};
