/** Results of a task's run beside its log: the commit that it ran, and Ansible's changes per host. */
import * as z from 'zod';
import { cleaned } from './text.ts';

export const commit = z.object({
  hash: z.string().regex(/^[0-9a-f]{40,64}$/, 'must be a commit hash in full'),
  message: cleaned(z.string().max(500)).describe('Its first line'),
});
export type Commit = z.infer<typeof commit>;

const count = z.int().min(0);

/** Counts of Ansible's recap. */
export const hostResult = z.object({
  host: cleaned(z.string().max(255)),
  ok: count,
  changed: count,
  unreachable: count,
  failed: count,
  skipped: count,
  rescued: count,
  ignored: count,
});
export type HostResult = z.infer<typeof hostResult>;

/** Maximum of hosts: more would not fit into the task's item with the rest. */
export const maxHostResults = 1000;
export const hostResults = z.array(hostResult).max(maxHostResults);
