/** Ends all processes of a user, in whatever group, session or environment they are. */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isOwnedBy } from './owner.ts';
import { signal } from './process-tree.ts';

/** Lists the live processes of the user. */
export const processesOf = (uid: number): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isOwnedBy(name, uid))
    .map(Number);

const roundMs = 20;
const maxRounds = 100;

/**
 * Sends SIGKILL until none is left; returns false when some are left nevertheless. `killAll` runs
 * `kill -9 -1` as the user, which reaches also those that fork faster than a list can be read. They may kill
 * that program before it has done it, so root signals those in the list too.
 */
export const endProcessesOf = async (uid: number, killAll: () => Promise<unknown>): Promise<boolean> => {
  for (let round = 0; round < maxRounds; round += 1) {
    if (processesOf(uid).length === 0) return true;
    await killAll();
    // Checked again at the last moment: the id may be that of another process by now.
    for (const pid of processesOf(uid)) if (isOwnedBy(pid, uid)) signal(pid, 'SIGKILL');
    if (processesOf(uid).length > 0) await sleep(roundMs);
  }
  return false;
};
