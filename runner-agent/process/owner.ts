/** Tells whose a process is. */
import { readFileSync } from 'node:fs';

/**
 * Reads /proc/<pid>/status (proc_pid_status(5)), which anybody may. True for a live process one of whose user
 * ids (real, effective, saved, file system) is `uid`.
 */
export const isOwnedBy = (pid: string | number, uid: number): boolean => {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return false;
  }
  const [, state] = /^State:\s*(\w)/m.exec(status) ?? [];
  const [, uids = ''] = /^Uid:\s*(.*)$/m.exec(status) ?? [];
  return state !== 'Z' && state !== 'X' && uids.split(/\s+/).includes(String(uid));
};
