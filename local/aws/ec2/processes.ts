/**
 * Kills a process with all its descendants, including those in other process groups, as a power cut would.
 */
import { execFileSync } from 'node:child_process';

interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
}

/** Lists all processes. Synchronous because an exit handler calls it too. */
const listProcesses = (): ProcessRow[] =>
  execFileSync('ps', ['-A', '-o', 'pid=,ppid=,pgid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => {
      const [pid = 0, parent = 0, group = 0] = line.trim().split(/\s+/).map(Number);
      return { pid, parent, group };
    });

/** Process groups of a process and of all its descendants; its own group comes first. */
export const groupsOf = (pid: number, rows: readonly ProcessRow[]): number[] => {
  const family = new Set([pid]);
  for (let size = 0; size < family.size; ) {
    size = family.size;
    for (const row of rows) if (family.has(row.parent)) family.add(row.pid);
  }
  const groups = rows.filter((row) => family.has(row.pid)).map(({ group }) => group);
  return [...new Set([pid, ...groups])];
};

/** Reads the process groups of a process and of all its descendants. Only `pid` itself must lead a group. */
export const readGroupsOf = (pid: number): number[] => groupsOf(pid, listProcesses());

/** Signals a process group; returns false when the group is empty. */
export const signalGroup = (group: number, signal: NodeJS.Signals): boolean => {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
};

/** Command line of a process; undefined for an unknown id. */
export const commandOf = (pid: number): string | undefined => {
  try {
    return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
};
