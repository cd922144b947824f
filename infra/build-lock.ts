/** One build at a time: tests synthesize in parallel, and the second finds the result of the first. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const askAgainMs = 50;

/** Returns true while a process has that id. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Tries to take the lock; returns true on success. */
const take = (path: string): boolean => {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    return false;
  }
};

/**
 * Removes the file of a dead holder, which cannot release it; the next process to try then takes the lock.
 */
const removeIfLeft = (path: string): void => {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    if (pid > 0 && !isAlive(pid)) rmSync(path, { force: true });
  } catch {
    // The holder has just released it.
  }
};

/** Does the work while no other process does any under the same path. */
export const withLock = async <T>(path: string, work: () => Promise<T>): Promise<T> => {
  mkdirSync(dirname(path), { recursive: true });
  while (!take(path)) {
    removeIfLeft(path);
    await delay(askAgainMs);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
};
