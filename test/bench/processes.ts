/** Processor time and memory of a process with all that it started, read from /proc (proc(5)). */
import { readdirSync, readFileSync } from 'node:fs';

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Its own processor time and that of children that it waited for. */
  readonly processorMs: number;
}

/** Length of a clock tick in /proc: Linux fixes it for programs at a hundredth of a second. */
const tickMs = 10;

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // The process has just ended.
  }
};

const readProcess = (name: string): Process => {
  const stat = readText(`/proc/${name}/stat`);
  // The name in parentheses may contain anything: the fields begin after the last parenthesis.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { pid: Number(name), parent: Number(fields[1]), processorMs: ticks * tickMs };
};

const treeOf = (pid: number): Process[] => {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(readProcess);
  const withChildren = (one: Process): Process[] => [
    one,
    ...all.filter(({ parent }) => parent === one.pid).flatMap(withChildren),
  ];
  return all.filter((one) => one.pid === pid).flatMap(withChildren);
};

/** Processor time so far, in milliseconds. */
export const processorMsOf = (pid: number): number =>
  treeOf(pid).reduce((sum, { processorMs }) => sum + processorMs, 0);

/** Memory in bytes. Pages that several processes share count once. */
export const memoryOf = (pid: number): number =>
  treeOf(pid).reduce((sum, one) => {
    const [, kilobytes = 0] = /^Pss:\s+(\d+) kB/m.exec(readText(`/proc/${one.pid}/smaps_rollup`)) ?? [];
    return sum + Number(kilobytes) * 1024;
  }, 0);
