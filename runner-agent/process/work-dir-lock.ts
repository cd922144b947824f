/** Allows one agent per working folder: a second one would sweep away the tasks of the first. */
import { createHash } from 'node:crypto';
import { mkdir, realpath } from 'node:fs/promises';
import { createServer } from 'node:net';
import { ConfigError, messageOf } from '../errors.ts';

/**
 * Creates the folder and locks it until `signal` aborts or the process ends, however it ends. The lock is a
 * name in Linux's abstract socket namespace (unix(7)), which leaves no file behind. On other systems nothing
 * is locked.
 */
export const lockWorkDir = async (workDir: string, signal: AbortSignal): Promise<void> => {
  try {
    await mkdir(workDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new ConfigError(`Cannot make the working folder: ${messageOf(error)}. Give one with --work-dir`, {
      cause: error,
    });
  }
  if (process.platform !== 'linux') return;
  const name = createHash('sha256')
    .update(await realpath(workDir))
    .digest('hex');
  const server = createServer((connection) => connection.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', () =>
      reject(
        new ConfigError(`Another agent works in ${workDir}: stop it, or give this one its own --work-dir`),
      ),
    );
    server.listen({ path: `\0reveille-runner-${name}`, signal }, resolve);
  });
  server.unref();
};
