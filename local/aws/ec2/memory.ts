/** An instance's memory, as far as something of it is on this machine: what its agent keeps in `/dev/shm`. */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

/** The agent names its folder so, by where it works (runner-agent/task/workspace.ts). */
const folderOf = (disk: string): string => {
  const name = createHash('sha256').update(join(disk, 'work')).digest('hex').slice(0, 16);
  return join('/dev/shm', `reveille-${process.getuid?.() ?? 0}-${name}`);
};

/** Is gone with the power. Synchronous, as it serves the way out of this process too. */
export const forgetMemory = (disk: string): void => {
  rmSync(folderOf(disk), { recursive: true, force: true });
};
