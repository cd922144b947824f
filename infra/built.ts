/** Builds only what is not there yet from the same sources: a start, a test and a lint synthesize again and again. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { FileSystem } from 'aws-cdk-lib/core';
import { writeWhole } from './write-files.ts';

export interface Build {
  readonly root: string;
  /** Keeps the fingerprint of what was built: a file outside of what is built, as that is deployed whole. */
  readonly marker: string;
  /** Files and folders under `root` that the result depends on. */
  readonly sources: readonly string[];
  /** The result counts as there when all of these files are. */
  readonly results: readonly string[];
}

/** Calls `build` unless its results are there, built from the same sources. Throws what `build` throws. */
export const unlessBuilt = async (
  { root, marker, sources, results }: Build,
  build: () => Promise<void>,
): Promise<void> => {
  const fingerprint = sources
    .map((path) => FileSystem.fingerprint(join(root, path), { exclude: ['dist', '*.test.ts'] }))
    .join();
  const isBuilt =
    results.every((path) => existsSync(path)) &&
    existsSync(marker) &&
    readFileSync(marker, 'utf8') === fingerprint;
  if (isBuilt) return;
  // A build that fails half-way leaves results of two sources.
  rmSync(marker, { force: true });
  await build();
  writeWhole(marker, fingerprint);
};
