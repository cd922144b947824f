/** Writes the files that `start` reads: the config and the key, readable by their owner only. */
import { access, chmod, chown, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConfigError, messageOf } from '../errors.ts';

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

const partialOf = (path: string) => `${path}.partial`;

const orExplain = async (path: string, work: () => Promise<void>) => {
  try {
    await work();
  } catch (error) {
    throw new ConfigError(
      `Cannot write ${path}: ${messageOf(error)}. Run as root, or give another --config`,
      {
        cause: error,
      },
    );
  }
};

/**
 * Gives the file the group of its folder, if the folder is shared with a group: a service with its own user
 * reads what root wrote.
 */
const shareWithGroupOf = async (folder: string, path: string) => {
  const { gid } = await stat(folder);
  if (process.getuid?.() !== 0 || gid === process.getgid?.()) return;
  await chown(path, 0, gid);
  await chmod(path, 0o640);
};

/** Writes a temporary file beside the target, never readable by others. */
const stage = (path: string, content: string) =>
  orExplain(path, async () => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await rm(partialOf(path), { force: true });
    await writeFile(partialOf(path), content, { mode: 0o600, flag: 'wx' });
    await shareWithGroupOf(dirname(path), partialOf(path));
  });

/** Path of the key that belongs to this config file. */
const keyPathFor = (configPath: string): string => join(dirname(configPath), 'runner.key');

/** Throws ConfigError when a config exists already, unless it may be replaced. */
export const refuseToReplace = async (configPath: string, force: boolean): Promise<void> => {
  if (force || !(await exists(configPath))) return;
  throw new ConfigError(
    `${configPath} is there already: run "reveille-runner unregister" first, or give --force to replace it`,
  );
};

export interface StagedConfig {
  /** Writes the config, and replaces existing files with it and its key. */
  commit(config: Record<string, unknown>): Promise<void>;
  /** Leaves everything unchanged. */
  discard(): Promise<void>;
}

/**
 * Writes the key to a temporary file first: a write that fails must fail before any step that cannot be
 * undone.
 */
export const stageConfig = async (configPath: string, privateKey: string): Promise<StagedConfig> => {
  const keyPath = keyPathFor(configPath);
  await stage(keyPath, privateKey.endsWith('\n') ? privateKey : `${privateKey}\n`);
  return {
    commit: async (config) => {
      const text = JSON.stringify({ ...config, privateKeyFile: keyPath }, undefined, 2);
      await stage(configPath, `${text}\n`);
      await orExplain(configPath, async () => {
        await rename(partialOf(keyPath), keyPath);
        await rename(partialOf(configPath), configPath);
      });
    },
    discard: async () => {
      await rm(partialOf(keyPath), { force: true });
      await rm(partialOf(configPath), { force: true });
    },
  };
};

/** Removes the config and the key beside it. */
export const removeConfig = async (configPath: string): Promise<void> => {
  await rm(configPath, { force: true });
  await rm(keyPathFor(configPath), { force: true });
};
