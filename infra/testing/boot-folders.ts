/** Folders of a machine at its first boot, for tests that run the script below another root. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** Makes the folders below `root`, and one for the programs that the test puts in place of real ones. */
export const makeBootFolders = (root: string): void => {
  for (const name of [
    'bin',
    'etc/systemd/system/reveille-runner.service.d',
    'etc/sysusers.d',
    'usr/local/bin',
    'opt/reveille',
  ])
    mkdirSync(join(root, name), { recursive: true });
};
