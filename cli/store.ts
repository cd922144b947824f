/** Stores the sign-in and the chosen project in a file that only its owner can read. */
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { CliError, exitCodes } from './errors.ts';

const stored = z.object({
  url: z.string(),
  token: z.string().optional(),
  cookie: z.string().optional(),
  project: z.string().optional().describe('The id of the project that commands are about unless told'),
});
export type Stored = z.infer<typeof stored>;

export interface Store {
  readonly path: string;
  /** Reads the file; undefined when the user never signed in. */
  read(): Promise<Stored | undefined>;
  write(value: Stored): Promise<void>;
  remove(): Promise<void>;
}

/** Path of the file by the XDG Base Directory Specification. */
export const configPathIn = (env: { XDG_CONFIG_HOME?: string; HOME: string }): string =>
  join(env.XDG_CONFIG_HOME || join(env.HOME, '.config'), 'reveille', 'cli.json');

export const createStore = (path: string): Store => ({
  path,
  read: async () => {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw new CliError(exitCodes.failed, `${path} cannot be read`, { cause: error });
    }
    try {
      return stored.parse(JSON.parse(text));
    } catch (error) {
      throw new CliError(exitCodes.failed, `${path} is damaged: remove it and sign in again`, {
        cause: error,
      });
    }
  },
  write: async (value) => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const staged = `${path}.${process.pid}`;
    await writeFile(staged, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 });
    await chmod(staged, 0o600);
    await rename(staged, path);
  },
  remove: () => rm(path, { force: true }),
});
