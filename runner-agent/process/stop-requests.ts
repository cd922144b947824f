/** Asks the processes of a program to end, with SIGTERM, in the order in which they depend on one another. */
import { readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { listTree, signal, type TreeOptions, type TreeProcess } from './process-tree.ts';

/**
 * Programs that end no child of theirs on SIGTERM, but wait for it before they run a trap (bash(1), SIGNALS)
 * or end. `unshare` blocks the signal as long as its child runs (unshare(1), --fork).
 */
const passive = /^(?:(?:ba|da|a|z|k|mk|fi)?sh|busybox|unshare)$/;

/**
 * Looks at the program file, as a script's process has the script's name. That of another user's process can
 * be read with CAP_SYS_PTRACE only (proc(5)): without it, at the command line's first word.
 */
const isPassive = async ({ pid }: TreeProcess): Promise<boolean> => {
  const program = await readlink(`/proc/${pid}/exe`).catch(async () => {
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return words.split('\0')[0] ?? '';
  });
  return passive.test(basename(program));
};

/** Returns these processes, and below those that are passive their children too. */
const withChildrenOfPassive = async (
  tops: readonly TreeProcess[],
  tree: readonly TreeProcess[],
): Promise<TreeProcess[]> => {
  const found = [...tops];
  for (const one of found) {
    if (await isPassive(one)) found.push(...tree.filter(({ parent }) => parent === one.pid));
  }
  return found;
};

export interface StopRequests {
  /** Asks the leader of the group. */
  askLeader(): Promise<void>;
  /** Asks processes whose parent is gone. Returns the number of live processes. */
  askOrphans(): Promise<number>;
  /** Asks all that were not asked yet. */
  askRest(): Promise<void>;
}

/**
 * A program such as Terraform winds its children down by itself, and fails when they end first. So only the
 * top is asked, and a child when its parent is gone or passive. Each process is asked once: Terraform takes a
 * second SIGTERM as an order to drop its work.
 */
export const createStopRequests = (of: TreeOptions & { group: number | undefined }): StopRequests => {
  const asked = new Set<number>();

  const ask = (processes: readonly TreeProcess[]) => {
    for (const { pid } of processes) {
      if (asked.has(pid)) continue;
      asked.add(pid);
      signal(pid, 'SIGTERM');
      // One that was suspended would take no notice. systemd sends it too (systemd.kill(5)).
      signal(pid, 'SIGCONT');
    }
  };

  return {
    askLeader: async () => {
      const tree = await listTree(of);
      // Where there is no /proc, the group is all that is known.
      if (tree.length === 0 && of.group !== undefined) signal(-of.group, 'SIGTERM');
      const leader = tree.filter(({ pid }) => pid === of.group);
      ask(await withChildrenOfPassive(leader, tree));
    },
    askOrphans: async () => {
      const tree = await listTree(of);
      const orphans = tree.filter(({ parent }) => tree.every(({ pid }) => pid !== parent));
      ask(await withChildrenOfPassive(orphans, tree));
      return tree.length;
    },
    askRest: async () => ask(await listTree(of)),
  };
};
