/** Checks limits: parallel tasks of a template or project never exceed the configured maximum. */

import type { Item } from '../../lambdas/adapters/table.ts';
import { epochMs } from '../../protocol/index.ts';
import type { VirtualTime } from './virtual-time.ts';

interface Options {
  readonly time: VirtualTime;
  readonly violate: (what: string) => void;
  readonly tasks: () => Iterable<Item>;
}

const held = new Set(['starting', 'running', 'stopping', 'waiting_confirmation', 'confirmed', 'rejected']);
/** Time after a limit is set in which tasks may still be created without it; they do not count. */
const beingMadeMs = 60_000;

export const createLimitWatch = ({ time, violate, tasks }: Options) => {
  const limits = new Map<string, { readonly max: number; readonly sinceMs: number }>();

  return {
    /** Records the limit of a new template, which applies from the start. */
    isMade: (ownerId: string, max: number) => limits.set(ownerId, { max, sinceMs: 0 }),
    /** Forgets the limit while a user saves another: until `set` either may apply. */
    isBeingSet: (ownerId: string) => limits.delete(ownerId),
    set: (ownerId: string, max: number) => limits.set(ownerId, { max, sinceMs: time.nowMs() }),

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
