/** Finds the users that an installation made for tasks and for caches of repositories. */
import { execFile } from 'node:child_process';
import type { User } from './run-as.ts';

/** Users for separation: each has its own group, no password and no shell. */
export interface PoolUsers {
  /** A task has one of these for itself. */
  tasks: User[];
  /** A project has one of these for its repositories. */
  caches: User[];
}

/** Number of users of each kind that an installation makes, so also the most tasks at a time. */
const poolSize = 16;

/** Names of the users of a kind. */
export const poolNames = (kind: 'task' | 'cache') =>
  Array.from({ length: poolSize }, (_, index) => `reveille-${kind}-${index}`);

/** Reads lines of passwd(5). A user with the id 0, or with an id that another has too, counts as missing. */
export const parseUsers = (passwd: string): User[] => {
  const users = passwd.split('\n').flatMap((line): User[] => {
    const [name = '', , uid, gid, , home = ''] = line.split(':');
    if (!/^[1-9]\d*$/.test(uid ?? '') || !/^[1-9]\d*$/.test(gid ?? '')) return [];
    return [{ name, uid: Number(uid), gid: Number(gid), home }];
  });
  return users.filter(({ uid }) => users.filter((other) => other.uid === uid).length === 1);
};

/** Asks the name service of the system, which exits with 2 when it does not know each of the names. */
const readPasswd = (names: readonly string[]): Promise<string> =>
  new Promise((resolve) => {
    execFile('getent', ['passwd', ...names], (_error, stdout) => resolve(stdout));
  });

/** Returns the users of the pool; undefined when this process is not root, or a kind has none. */
export const findPoolUsers = async (): Promise<PoolUsers | undefined> => {
  if (process.getuid?.() !== 0) return undefined;
  const [tasks, caches] = [poolNames('task'), poolNames('cache')];
  const found = parseUsers(await readPasswd([...tasks, ...caches]));
  const among = (names: readonly string[]) => found.filter(({ name }) => names.includes(name));
  const pool = { tasks: among(tasks), caches: among(caches) };
  return pool.tasks.length > 0 && pool.caches.length > 0 ? pool : undefined;
};

/** Message for a machine without separation, and its remedy. */
export const notSeparated = {
  happened: "Tasks can read this agent's key, and what other tasks left",
  fix: 'Run the agent as root, on a machine with the users reveille-task-0 and reveille-cache-0 (docs/operating/agent.md)',
};
