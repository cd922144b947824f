/** One build at a time: tests synthesize side by side, and the second finds done what the first has built. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const askAgainMs = 50;

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Whether this process has it now. */
const take = (path: string): boolean => {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    return false;
  }
};

/** A holder that died doesn't let go: then its file is removed, and who is first afterwards has it. */
const removeIfLeft = (path: string): void => {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    if (pid > 0 && !isAlive(pid)) rmSync(path, { force: true });
  } catch {
    // It has just let go.
  }
};

/** Does the work when no other process does any under the same path. */
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
