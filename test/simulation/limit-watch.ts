/**
 * Checks limits: parallel tasks of a template or project never exceed the configured maximum, and a limit
 * admits no task before one that has waited longer in its line.
 */

import type { Item, Key } from '../../lambdas/adapters/table.ts';
import { epochMs } from '../../protocol/index.ts';
import type { VirtualTime } from './virtual-time.ts';

interface Options {
  readonly time: VirtualTime;
  readonly violate: (what: string) => void;
  readonly tasks: () => Iterable<Item>;
  readonly task: (id: string) => Item | undefined;
  /** Maximum time of a call from its read of a line to its write. */
  readonly callMs: number;
}

const held = new Set(['starting', 'running', 'stopping', 'waiting_confirmation', 'confirmed', 'rejected']);
const isHeldTask = (task: Item | undefined): boolean => held.has(String(task?.status));
/** Time after a limit is set in which tasks may still be created without it; they do not count. */
const beingMadeMs = 60_000;

const membersOf = (set: unknown): ReadonlySet<string> => (set instanceof Set ? set : new Set());
const taskIdIn = (entry: string): string => entry.slice(entry.indexOf('/') + 1).replace(/~.*/, '');
const entryIn = ({ id, priority = 0, limitsLeft }: Item): string =>
  `${500 - Number(priority)}/${String(id)}${limitsLeft === undefined ? '' : `~${String(limitsLeft)}`}`;

export const createLimitWatch = ({ time, violate, tasks, task, callMs }: Options) => {
  const limits = new Map<string, { readonly max: number; readonly sinceMs: number }>();
  /** Time at which each entry joined, for the line of each limit. */
  const lines = new Map<string, Map<string, number>>();

  const waitsIn = (ownerId: string, entry: string): boolean => {
    const found = task(taskIdIn(entry));
    return found?.status === 'waiting' && found.limitedBy === ownerId && entryIn(found) === entry;
  };

  return {
    /** Records the limit of a new template, which applies from the start. */
    isMade: (ownerId: string, max: number) => limits.set(ownerId, { max, sinceMs: 0 }),
    /** Forgets the limit while a user saves another: until `set` either may apply. */
    isBeingSet: (ownerId: string) => limits.delete(ownerId),
    set: (ownerId: string, max: number) => limits.set(ownerId, { max, sinceMs: time.nowMs() }),

    onLineWritten: ({ pk, sk }: Key, before: Item | undefined, after: Item | undefined): void => {
      const line = lines.get(pk) ?? new Map();
      lines.set(pk, line);
      if (!after) line.delete(sk);
      else if (!before) line.set(sk, time.nowMs());
    },

    onLimitWritten: ({ sk }: Key, before: Item | undefined, after: Item | undefined): void => {
      const ownerId = sk.replace('lim_', '');
      const known = membersOf(before?.held);
      const line = lines.get(`line#${sk}`) ?? new Map<string, number>();
      for (const entry of membersOf(after?.held)) {
        // A running task counts from the moment that its limit is set.
        if (known.has(entry) || isHeldTask(task(taskIdIn(entry)))) continue;
        for (const [other, sinceMs] of line) {
          if (other >= entry || time.nowMs() - sinceMs < callMs || !waitsIn(ownerId, other)) continue;
          violate(`limit ${ownerId.slice(-6)} admits ${entry.slice(-8)} before ${other.slice(-8)}`);
        }
      }
    },

    onStarted: (started: Item): void => {
      for (const ownerId of [String(started.templateId), String(started.projectId)]) {
        const limit = limits.get(ownerId);
        if (!limit || limit.max === 0) continue;
        const { max, sinceMs } = limit;
        const counts = (item: Item) =>
          [item.templateId, item.projectId].includes(ownerId) &&
          held.has(String(item.status)) &&
          (JSON.stringify(item.limits ?? []).includes(ownerId) ||
            epochMs(String(item.createdAt)) > sinceMs + beingMadeMs);
        const running = [...tasks()].filter(counts).length;
        if (running > max && counts(started))
          violate(`${running} of ${max} tasks of ${ownerId.slice(-6)} run at once`);
      }
    },
  };
};
