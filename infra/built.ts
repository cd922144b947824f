/** Builds only when the sources changed: a start, a test and a lint synthesize again and again. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fingerprintOf } from './fingerprint.ts';
import { writeWhole } from './write-files.ts';

export interface Build {
  readonly root: string;
  /** File with the fingerprint of the build. It is outside the results, because those are deployed whole. */
  readonly marker: string;
  /** Files and folders under `root` that the result depends on. */
  readonly sources: readonly string[];
  /** Result files; the results exist only if all of these do. */
  readonly results: readonly string[];
}

/** Calls `build` unless its results exist, built from the same sources. Throws the error of `build`. */
export const unlessBuilt = async (
  { root, marker, sources, results }: Build,
  build: () => Promise<void>,
): Promise<void> => {
  const fingerprint = fingerprintOf(root, sources);
  const isBuilt =
    results.every((path) => existsSync(path)) &&
    existsSync(marker) &&
    readFileSync(marker, 'utf8') === fingerprint;
  if (isBuilt) return;
  // A build that fails half-way leaves results of two sources.
  rmSync(marker, { force: true });
  await build();
  // Sources that changed meanwhile may be in the results in part.
  if (fingerprintOf(root, sources) === fingerprint) writeWhole(marker, fingerprint);
};
