/**
 * Reads a file that a task or its repository wrote. It may be anything: a link, a pipe, a device, endless.
 */
import { constants, type FileHandle, open, realpath } from 'node:fs/promises';
import { sep } from 'node:path';

export interface TaskFile {
  /** Folder of the task that must contain the file, also after following links. */
  within: string;
  path: string;
  /** Maximum size. A larger file is not read. */
  maxBytes: number;
  /** Ends the wait for a file system that does not answer. */
  signal: AbortSignal;
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

const readRegular = async ({ within, path, maxBytes }: TaskFile): Promise<string | undefined> => {
  const [folder, real] = await Promise.all([realpath(within), realpath(path)]);
  if (!real.startsWith(`${folder}${sep}`)) return undefined;
  // O_NONBLOCK: opening a pipe without a writer would wait for ever.
  const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    return found.isFile() && found.size <= maxBytes ? await readBytes(file, found.size) : undefined;
  } finally {
    await file.close();
  }
};

/** Undefined when the file is missing, not a regular file in the folder, too large, or too slow to read. */
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
