/**
 * Finds the processes of a task, also those that left its group: by parent, by group, and by a mark in their
 * environment.
 */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isOwnedBy } from './owner.ts';

/**
 * Variable that marks every process of a task. Its value is the task's folder, which is unique on this
 * machine. Children inherit it, even after setsid(2); only one that clears its environment and outlives its
 * parent is lost. The environment of another user's process can be read with CAP_SYS_PTRACE only (proc(5)):
 * there the owner tells.
 */
export const markName = 'REVEILLE_WORKSPACE';

export interface TreeProcess {
  pid: number;
  parent: number;
  group: number;
}

/**
 * Reads one process from /proc/<pid>/stat (proc_pid_stat(5)). Undefined when it is gone, or dead and not
 * collected yet.
 */
const readProcess = async (name: string): Promise<TreeProcess | undefined> => {
  const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
  // The name in parentheses may contain anything: the fields begin after the last parenthesis.
  const [state, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (group === undefined || state === 'Z' || state === 'X') return undefined;
  return { pid: Number(name), parent: Number(parent), group: Number(group) };
};

const hasMark = async (pid: number, isOurs: (mark: string) => boolean): Promise<boolean> => {
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  const start = `${markName}=`;
  const mark = environment.split('\0').find((variable) => variable.startsWith(start));
  return mark !== undefined && isOurs(mark.slice(start.length));
};

export interface TreeOptions {
  /** Process group that belongs to the tree. */
  group?: number;
  /** User that only this tree has. Its processes belong to the tree, whatever else they have changed. */
  owner?: number | undefined;
  /** Returns true for the mark of a process that belongs to the tree. */
  isOurs(mark: string): boolean;
}

/** Lists all live processes of the tree. Without /proc (not on Linux), returns none. */
export const listTree = async ({ group, owner, isOurs }: TreeOptions): Promise<TreeProcess[]> => {
  const names = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const all = (await Promise.all(names.map(readProcess))).filter((one) => one !== undefined);
  const found = new Set<number>();
  await Promise.all(
    all.map(async ({ pid, group: itsGroup }) => {
      if (pid === process.pid) return;
      const isOwned = owner !== undefined && isOwnedBy(pid, owner);
      if (isOwned || (group !== undefined && itsGroup === group) || (await hasMark(pid, isOurs)))
        found.add(pid);
    }),
  );
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return all.filter(({ pid }) => found.has(pid));
};

/** Signals a process, or with a negative id a group. Ignores one that is gone. */
export const signal = (id: number, name: NodeJS.Signals): void => {
  try {
    process.kill(id, name);
  } catch {
    // ESRCH: the process is gone. EPERM: it is not ours to signal.
  }
};

const roundMs = 20;
const maxRounds = 50;

/**
 * Sends SIGKILL to all of them, repeatedly, to catch those started in between. Resolves with the number of
 * processes.
 */
export const killTree = async (options: TreeOptions): Promise<number> => {
  const killed = new Set<number>();
  for (let round = 0; round < maxRounds; round += 1) {
    // Lists before the kill: a process that cleared its environment is known only by its parent.
    const left = await listTree(options);
    if (left.length === 0) break;
    if (options.group !== undefined) signal(-options.group, 'SIGKILL');
    for (const { pid } of left) {
      killed.add(pid);
      signal(pid, 'SIGKILL');
    }
    await sleep(roundMs);
  }
  return killed.size;
};
