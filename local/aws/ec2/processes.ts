/** Ends a process with all that it started, also what made process groups of its own, as cutting a machine's power does. */
import { execFileSync } from 'node:child_process';

interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
}

/** Synchronous, as it serves the way out of this process too. */
const listProcesses = (): ProcessRow[] =>
  execFileSync('ps', ['-A', '-o', 'pid=,ppid=,pgid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => {
      const [pid = 0, parent = 0, group = 0] = line.trim().split(/\s+/).map(Number);
      return { pid, parent, group };
    });

/** The process groups of a process and of all its descendants; its own group is the first. */
export const groupsOf = (pid: number, rows: readonly ProcessRow[]): number[] => {
  const family = new Set([pid]);
  for (let size = 0; size < family.size; ) {
    size = family.size;
    for (const row of rows) if (family.has(row.parent)) family.add(row.pid);
  }
  const groups = rows.filter((row) => family.has(row.pid)).map(({ group }) => group);
  return [...new Set([pid, ...groups])];
};

/** Every process group that the process leads or has begotten. Only `pid` itself must lead a group. */
export const readGroupsOf = (pid: number): number[] => groupsOf(pid, listProcesses());

/** False when nobody is left in the group. */
export const signalGroup = (group: number, signal: NodeJS.Signals): boolean => {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
};

/** The command line of a process; undefined when there is none of that id. */
export const commandOf = (pid: number): string | undefined => {
  try {
    return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
};
