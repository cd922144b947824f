/** Users of this machine for tests of separation: system users that no program runs as. */
import { execFileSync } from 'node:child_process';
import type { User } from '../process/run-as.ts';
import { createSeparation, type Separation } from '../process/separation.ts';
import { parseUsers } from '../process/users.ts';
import { quiet } from './builders.ts';

/** Only root can be another user. */
export const isRoot = process.getuid?.() === 0;

const find = (...names: string[]): User[] =>
  parseUsers(execFileSync('getent', ['passwd', ...names], { encoding: 'utf8' }));

export const aUser = async (): Promise<User> => {
  const [user] = find('games');
  if (!user) throw new Error('The system has no user games');
  return user;
};

/** Separation with two users for tasks and one for caches. */
export const openSeparation = (): Promise<Separation> =>
  createSeparation({
    users: { tasks: find('games', 'lp'), caches: find('news') },
    path: process.env.PATH ?? '',
    log: quiet,
    onUnusable: () => undefined,
  });
