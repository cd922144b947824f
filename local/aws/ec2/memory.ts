/** The part of an instance's memory that is on this machine: the agent's files in `/dev/shm`. */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

/** Folder of the agent, which names it after its working directory (runner-agent/task/workspace.ts). */
const folderOf = (disk: string): string => {
  const name = createHash('sha256').update(join(disk, 'work')).digest('hex').slice(0, 16);
  return join('/dev/shm', `reveille-${process.getuid?.() ?? 0}-${name}`);
};

/** Deletes the memory when the power goes off. Synchronous because an exit handler calls it too. */
export const forgetMemory = (disk: string): void => {
  rmSync(folderOf(disk), { recursive: true, force: true });
};
