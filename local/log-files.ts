/** Log files of functions, instances and the stack: one per source, under the data folder. */
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';

/** Receives a log line. `source` is a function's label, `ec2`, or `stack`. */
export type Log = (source: string, line: string) => void;

export interface LogFiles {
  readonly log: Log;
  /** Resolves when everything is written. */
  close(): Promise<void>;
}

/** Makes the log files. Each file is opened with its source's first line; a missing folder is created. */
export const openLogFiles = (folder: string, now: () => Date): LogFiles => {
  mkdirSync(folder, { recursive: true });
  const files = new Map<string, WriteStream>();
  const open = (source: string): WriteStream => {
    const file = createWriteStream(join(folder, `${source}.log`), { flags: 'a' });
    files.set(source, file);
    return file;
  };
  return {
    log: (source, line) => {
      (files.get(source) ?? open(source)).write(`${now().toISOString()} ${line}\n`);
    },
    close: async () => {
      await Promise.all([...files.values()].map((file) => new Promise<void>((done) => file.end(done))));
    },
  };
};
