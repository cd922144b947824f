/**
 * Keeps tasks apart from the agent and from each other: lends each task a user of its own, and each project
 * one for its caches.
 */
import { ConfigError, messageOf, TaskError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { createRemove, hasRemains, type Remove, sweepRemains } from './remains.ts';
import type { User } from './run-as.ts';
import { endProcessesOf } from './user-processes.ts';
import { createUserShell, type UserShell } from './user-shell.ts';
import type { PoolUsers } from './users.ts';

/** A user that one task has for itself. */
export interface Loan {
  readonly user: User;
  readonly remove: Remove;
  /**
   * Cleans the user. Never rejects: one that cannot be cleaned serves no task until the agent's next start.
   */
  giveBack(wipe: () => Promise<void>): Promise<void>;
}

export interface Separation {
  readonly shell: UserShell;
  /** Removes folders of which parts belong to users of the pool. */
  readonly remove: Remove;
  readonly cacheUsers: readonly User[];
  /**
   * Ends the user's processes, runs `wipe`, and removes what the user left elsewhere. Rejects when something
   * stays.
   */
  clean(user: User, wipe: () => Promise<void>): Promise<void>;
  /** Number of users that can serve tasks. */
  size(): number;
  /** Throws a TaskError when all users are lent. */
  lend(): Loan;
  /** Throws ConfigError when the users of tasks cannot reach the folder. */
  requireAccess(folder: string): Promise<void>;
  /** Ends all processes of the pool, and removes what they left in shared folders: no task runs yet. */
  sweep(): Promise<void>;
}

export interface SeparationOptions {
  users: PoolUsers;
  /** PATH that is searched for the programs that clean up. */
  path: string;
  log: Pick<Logger, 'warn' | 'error'>;
  /** Called when no user can serve tasks any more: only a restart of the agent helps. */
  onUnusable(error: Error): void;
}

export const createSeparation = async ({
  users,
  path,
  log,
  onUnusable,
}: SeparationOptions): Promise<Separation> => {
  const shell = await createUserShell(path);
  const remove = createRemove(shell);
  const free = [...users.tasks];
  let lent = 0;

  const endAllOf = (user: User) => endProcessesOf(user.uid, () => shell(user, 'kill -9 -1'));

  const clean = async (user: User, wipe: () => Promise<void>) => {
    if (!(await endAllOf(user))) throw new Error('its processes do not end');
    await wipe();
    if (!(await sweepRemains(shell, user))) throw new Error('it left files that cannot be removed');
  };

  return {
    shell,
    remove,
    cacheUsers: users.caches,
    clean,
    size: () => free.length + lent,
    lend: () => {
      const user = free.shift();
      if (!user) throw new TaskError('All users for tasks are in use on this runner: start the task again');
      lent += 1;
      return {
        user,
        remove,
        giveBack: async (wipe) => {
          await clean(user, wipe).then(
            () => free.push(user),
            (error: unknown) =>
              log.error(`${user.name} serves no task until the agent's next start: ${messageOf(error)}`),
          );
          lent -= 1;
          if (free.length + lent === 0)
            onUnusable(new Error('No user for tasks is left that can be cleaned'));
        },
      };
    },
    requireAccess: async (folder) => {
      const [user] = users.tasks;
      if (!user || (await shell(user, '[ -x "$1" ]', [folder])) !== undefined) return;
      throw new ConfigError(
        `The users of tasks cannot reach ${folder}: let them through the folders above it (chmod o+x), or give another --work-dir`,
      );
    },
    sweep: async () => {
      for (const user of [...users.tasks, ...users.caches]) {
        if (!(await endAllOf(user)))
          throw new Error(`The processes of ${user.name} do not end: restart the machine`);
        if ((await hasRemains(user)) && !(await sweepRemains(shell, user)))
          log.warn(`${user.name} left files in shared folders that cannot be removed`);
      }
    },
  };
};
