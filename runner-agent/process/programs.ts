/** Finds the programs that tasks need on this machine. */
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { TaskError } from '../errors.ts';

/** Searches `path`, which is like PATH. */
export const findProgram = async (path: string, program: string): Promise<string | undefined> => {
  for (const folder of path.split(delimiter).filter(Boolean)) {
    const candidate = join(folder, program);
    const isThere = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return candidate;
  }
  return undefined;
};

/** Throws a TaskError that explains what to install. */
export const requireProgram = async (path: string, program: string, install: string): Promise<string> => {
  const found = await findProgram(path, program);
  if (found) return found;
  throw new TaskError(`${program} is not installed on this runner: install ${install} on it`);
};
