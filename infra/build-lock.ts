/** One build at a time: tests synthesize in parallel, and the second finds the result of the first. */
import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const askAgainMs = 50;

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : '');

/** Returns true while a process has that id, also one of another user. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
};

const ticketsIn = (folder: string): number[] =>
  readdirSync(folder)
    .filter((name) => /^\d{1,9}$/.test(name))
    .map(Number);

/** Returns false when the file exists. Written elsewhere first, so it never appears without its content. */
const create = (folder: string, ticket: number): boolean => {
  const unfinished = join(folder, randomUUID());
  try {
    writeFileSync(unfinished, String(process.pid));
    linkSync(unfinished, join(folder, String(ticket)));
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(unfinished, { force: true });
  }
};

/** Takes a ticket greater than all others. */
const draw = (folder: string): number => {
  for (;;) {
    const ticket = Math.max(0, ...ticketsIn(folder)) + 1;
    if (!create(folder, ticket)) continue;
    // A greater one may have been drawn, and be served, before this one was there.
    if (ticketsIn(folder).every((other) => other <= ticket)) return ticket;
    rmSync(join(folder, String(ticket)));
  }
};

/** Returns false for a ticket that was given back, or was left by a dead process. */
const isWaitedFor = (path: string): boolean => {
  try {
    return isAlive(Number(readFileSync(path, 'utf8')));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
};

/**
 * Does the work while no other process works under the same folder. The folder has a numbered ticket for
 * each process that waits, and the lowest live one is served. Only the served process removes tickets of dead
 * ones, so two processes never both take a dead holder's place. Throws the error of an unwritable folder.
 */
export const withLock = async <T>(folder: string, work: () => Promise<T>): Promise<T> => {
  mkdirSync(folder, { recursive: true });
  const ticket = draw(folder);
  const pathOf = (one: number) => join(folder, String(one));
  const before = () => ticketsIn(folder).filter((one) => one < ticket);
  try {
    while (before().some((one) => isWaitedFor(pathOf(one)))) await delay(askAgainMs);
    // Only those of dead processes: one that is being drawn is given back by its own process.
    for (const one of before()) if (!isWaitedFor(pathOf(one))) rmSync(pathOf(one), { force: true });
    return await work();
  } finally {
    rmSync(pathOf(ticket), { force: true });
  }
};
