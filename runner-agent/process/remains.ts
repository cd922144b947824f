/** Removes what a user left on this machine: files, and objects that outlive their processes. */
import { lstat, readdir, readFile, rm, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { User } from './run-as.ts';
import type { UserShell } from './user-shell.ts';

/** Empties a folder as its owner. A folder whose mode keeps its owner out gets another one first. */
const empty = `cd -- "$1" || exit
find . -mindepth 1 -maxdepth 1 -exec rm -rf -- {} + 2>/dev/null && exit
chmod -R u+rwx . && find . -mindepth 1 -maxdepth 1 -exec rm -rf -- {} +`;

/** Removes a file or folder; missing is fine. */
export type Remove = (path: string) => Promise<void>;

/** Removes what is the agent's own. */
export const removeOwn: Remove = (path) => rm(path, { recursive: true, force: true, maxRetries: 3 });

/**
 * Empties what belongs to another user as that user: no link in it, and nothing that changes meanwhile, leads
 * root elsewhere. The folder above `path` is one that only the agent can change.
 */
export const createRemove = (shell: UserShell): Remove => {
  const remove: Remove = async (path) => {
    const found = await lstat(path).catch(() => undefined);
    if (!found) return;
    if (!found.isDirectory()) return unlink(path);
    if (found.uid !== process.getuid?.()) await shell(found, empty, [path]);
    else for (const name of await readdir(path)) await remove(join(path, name));
    await rmdir(path);
  };
  return remove;
};

/** Folders in which anybody may write on common systems (FHS 3.0; mq_overview(7)). */
const sharedFolders = ['/tmp', '/var/tmp', '/dev/shm', '/dev/mqueue', '/run/lock', '/var/lock', '/run/shm'];

/** Removes files of the user in the folders, also below folders of others. */
const sweepFolders = `user=$1; shift
for folder; do
  [ -d "$folder" ] || continue
  find "$folder/" -xdev -mindepth 1 -user "$user" -prune -exec rm -rf -- {} + 2>/dev/null
  find "$folder/" -xdev -mindepth 1 -user "$user" -prune -exec chmod -R u+rwx {} + -exec rm -rf -- {} + 2>/dev/null
done
[ -z "$(find "$@" -xdev -mindepth 1 -user "$user" -print -quit 2>/dev/null)" ]`;

/**
 * Kinds of System V IPC: the file in /proc/sysvipc, the column of ids, and the flag of ipcrm (sysvipc(7)).
 */
const ipcKinds = [
  ['shm', 'shmid', '-m'],
  ['msg', 'msqid', '-q'],
  ['sem', 'semid', '-s'],
] as const;

/** Reads a table of /proc/sysvipc; returns the ids of what the user owns or made. */
export const ipcIdsOf = (table: string, idColumn: string, uid: number): string[] => {
  const [head = [], ...rows] = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const column = (row: string[], name: string) => row[head.indexOf(name)] ?? '';
  return rows
    .filter((row) => [column(row, 'uid'), column(row, 'cuid')].includes(String(uid)))
    .map((row) => column(row, idColumn));
};

const ipcFlagsOf = async (uid: number): Promise<string[]> => {
  const flags = ipcKinds.map(async ([file, idColumn, flag]) => {
    const table = await readFile(`/proc/sysvipc/${file}`, 'utf8').catch(() => '');
    return ipcIdsOf(table, idColumn, uid).flatMap((id) => [flag, id]);
  });
  return (await Promise.all(flags)).flat();
};

/** Removes all that the user left outside of its own folders. Returns false when something is left. */
export const sweepRemains = async (shell: UserShell, user: User): Promise<boolean> => {
  const flags = await ipcFlagsOf(user.uid);
  if (flags.length > 0 && (await shell(user, 'exec ipcrm "$@"', flags)) === undefined) return false;
  return (await shell(user, sweepFolders, [String(user.uid), ...sharedFolders])) !== undefined;
};

/** Returns true when the user owns an entry of a shared folder. Reads names and owners only. */
export const hasRemains = async ({ uid }: User): Promise<boolean> => {
  if ((await ipcFlagsOf(uid)).length > 0) return true;
  for (const folder of sharedFolders) {
    for (const name of await readdir(folder).catch(() => [])) {
      const found = await lstat(join(folder, name)).catch(() => undefined);
      if (found?.uid === uid) return true;
    }
  }
  return false;
};
