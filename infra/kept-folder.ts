/** Keeps folders of results under one parent: each is made once for a version of its sources. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, withLock } from './build-lock.ts';

export interface KeptFolder {
  readonly parent: string;
  /**
   * Returns the version of the sources now. Folders of other versions are removed once no process uses them.
   */
  readonly versionNow: () => string;
  /** Tells folders of one version apart. */
  readonly name: string;
  /** Id of the process that uses the folder: it stays while the process lives. */
  readonly userPid: number;
}

/** Folder with an empty file for each process that uses the results, named by its id. */
const usersOf = (folder: string): string => `${folder}.users`;

const isUsed = (folder: string): boolean =>
  existsSync(usersOf(folder)) && readdirSync(usersOf(folder)).some((pid) => isAlive(Number(pid)));

const removeOutdated = (parent: string, version: string): void => {
  const outdated = readdirSync(parent)
    .filter((name) => !name.startsWith(`${version}-`) && !name.endsWith('.users'))
    .map((name) => join(parent, name));
  for (const folder of outdated.filter((one) => !isUsed(one))) {
    for (const path of [folder, usersOf(folder)]) rmSync(path, { recursive: true, force: true });
  }
};

/**
 * Returns the folder. Calls `make` to fill it when there is none; throws its error. A folder whose sources
 * changed meanwhile is for this caller only, as it may be of two versions.
 */
export const keepFolder = (
  { parent, versionNow, name, userPid }: KeptFolder,
  make: (folder: string) => Promise<void>,
): Promise<string> =>
  withLock(`${parent}-tickets`, async () => {
    const version = versionNow();
    let folder = join(parent, `${version}-${name}`);
    if (!existsSync(folder)) {
      const unfinished = `${folder}.unfinished`;
      rmSync(unfinished, { recursive: true, force: true });
      mkdirSync(parent, { recursive: true });
      await make(unfinished);
      if (versionNow() !== version) folder = join(parent, `changed-${version}-${name}-${userPid}`);
      rmSync(folder, { recursive: true, force: true });
      renameSync(unfinished, folder);
    }
    mkdirSync(usersOf(folder), { recursive: true });
    writeFileSync(join(usersOf(folder), String(userPid)), '');
    removeOutdated(parent, version);
    return folder;
  });
