/** Reads a file that a task or its repository has put there, and that may be anything: a link, a pipe, a device, without an end. */
import { constants, type FileHandle, open, realpath } from 'node:fs/promises';
import { sep } from 'node:path';

export interface TaskFile {
  /** The folder of the task that the file must be in, also by way of links. */
  within: string;
  path: string;
  /** A longer file is not read. */
  maxBytes: number;
  /** Ends the wait for a file system that does not answer. */
  signal: AbortSignal;
}

/** What was in the file when it was opened, though it may grow meanwhile. */
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

const readRegular = async ({ within, path, maxBytes }: TaskFile): Promise<string | undefined> => {
  const [folder, real] = await Promise.all([realpath(within), realpath(path)]);
  if (!real.startsWith(`${folder}${sep}`)) return undefined;
  // O_NONBLOCK: opening a pipe to which nobody writes would wait for ever.
  const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    return found.isFile() && found.size <= maxBytes ? await readBytes(file, found.size) : undefined;
  } finally {
    await file.close();
  }
};

/** Undefined when there is no such file, or it is not a regular one in the folder, or too long, or comes too late. */
export const readTaskFile = async (given: TaskFile): Promise<string | undefined> => {
  const { signal } = given;
  const aborted = Promise.withResolvers<undefined>();
  const giveUp = () => aborted.resolve(undefined);
  if (signal.aborted) return undefined;
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([readRegular(given).catch(() => undefined), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
};
