/**
 * Looks at files that a task or its repository wrote. They may be anything: a link, a pipe, a device,
 * endless; and they may change meanwhile.
 */
import { constants, type FileHandle, open, stat } from 'node:fs/promises';
import type { User } from '../process/run-as.ts';
import type { UserShell } from '../process/user-shell.ts';

export interface TaskFiles {
  exists(path: string): Promise<boolean>;
  isFolder(path: string): Promise<boolean>;
  /**
   * Reads a regular file of at most `maxBytes`, through links too. Undefined when it is missing, anything
   * else, larger, or not read before `signal` aborts.
   */
  read(path: string, maxBytes: number, signal: AbortSignal): Promise<string | undefined>;
}

/** Reads the content that the file had when it was opened, though it may grow. */
const readBytes = async (file: FileHandle, size: number): Promise<string> => {
  const bytes = Buffer.alloc(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(bytes, length, size - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.toString('utf8', 0, length);
};

const readRegular = async (path: string, maxBytes: number): Promise<string | undefined> => {
  // O_NONBLOCK: opening a pipe without a writer would wait for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    return found.isFile() && found.size <= maxBytes ? await readBytes(file, found.size) : undefined;
  } finally {
    await file.close();
  }
};

/** Resolves to undefined when the signal aborts first, as a file system may not answer. */
const within = async <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T | undefined> => {
  if (signal.aborted) return undefined;
  const aborted = Promise.withResolvers<undefined>();
  const giveUp = () => aborted.resolve(undefined);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([work().catch(() => undefined), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
};

/** Files as the agent's own user sees them, which is the task's too. */
export const ownTaskFiles: TaskFiles = {
  exists: (path) =>
    stat(path).then(
      () => true,
      () => false,
    ),
  isFolder: (path) =>
    stat(path).then(
      (found) => found.isDirectory(),
      () => false,
    ),
  read: (path, maxBytes, signal) => within(signal, () => readRegular(path, maxBytes)),
};

const readScript = `[ -f "$1" ] && [ "$(stat -L -c %s -- "$1")" -le "$2" ] && exec head -c "$2" -- "$1"`;

/** Files as the task's user sees them: the agent itself follows no path that a task can change. */
export const taskFilesOf = (shell: UserShell, user: User): TaskFiles => {
  const succeeds = async (script: string, path: string) => (await shell(user, script, [path])) !== undefined;
  return {
    exists: (path) => succeeds('[ -e "$1" ]', path),
    isFolder: (path) => succeeds('[ -d "$1" ]', path),
    read: (path, maxBytes, signal) =>
      within(signal, () => shell(user, readScript, [path, String(maxBytes)], signal)),
  };
};
