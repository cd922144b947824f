/** Store of hooks for a Semaphore server: a secret URL per runner, and the tasks that need the instance. */
import * as z from 'zod';
import { anyNumber, type Instant, instanceId, instant, region } from '../../../protocol/index.ts';
import type { Condition, Update } from '../expressions.ts';
import { recordsOf } from '../records.ts';
import { type Key, keys, queryAll, type Table } from '../table.ts';

const names = z.set(z.string()).default(new Set());

/** Settings by its owner. */
export const semaphoreHookInput = z.object({
  instanceId,
  region: region.optional(),
  maxHours: anyNumber.positive().max(720).default(12),
});
export type SemaphoreHookInput = z.infer<typeof semaphoreHookInput>;

const semaphoreHook = semaphoreHookInput.extend({
  id: z.string(),
  secretHash: z.string(),
  /** Tasks that have started and not finished. */
  tasks: names,
  /** Last finished tasks, as their start may still arrive. */
  finished: names,
  lastStartAt: instant.optional(),
});
export type SemaphoreHook = z.infer<typeof semaphoreHook>;

/** Minimum number of finished tasks that are remembered. */
const finishedKept = 500;

/** Sorts oldest first: Semaphore numbers its tasks upwards. */
const byAge = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

const liveness = (id: string) => ({ live: 'semaphore', liveKey: id });

export type SemaphoreHooks = ReturnType<typeof semaphoreHooks>;

export const semaphoreHooks = (table: Table) => {
  const records = recordsOf(table, semaphoreHook);
  const change = (id: string, update: Update, conditions: readonly Condition[]) =>
    records.update(keys.semaphoreHook(id), update, [['exists', 'pk'], ...conditions]);

  return {
    create: (id: string, input: SemaphoreHookInput, secretHash: string): Promise<boolean> =>
      records.put({ ...keys.semaphoreHook(id), id, ...input, secretHash }, [['missing', 'pk']]),

    get: async (id: string): Promise<SemaphoreHook | undefined> =>
      records.readIf(await table.get(keys.semaphoreHook(id))),

    list: async (): Promise<SemaphoreHook[]> =>
      records.readAll(await queryAll(table, { pk: keys.semaphoreHook('').pk })),

    /** Lists hooks with tasks, or with an instance that may be on because of them. */
    listLive: async (): Promise<SemaphoreHook[]> => {
      const found: Key[] = [];
      for await (const key of table.queryLive('semaphore')) found.push(key);
      return records.readAll(await table.batchGet(found));
    },

    rotate: (id: string, secretHash: string) => change(id, { set: { secretHash } }, []),

    remove: (id: string): Promise<boolean> => table.remove(keys.semaphoreHook(id), [['exists', 'pk']]),

    /** Adds a task. Undefined when it has finished already. */
    start: (id: string, task: string, now: Instant) =>
      change(id, { add: { tasks: new Set([task]) }, set: { lastStartAt: now, ...liveness(id) } }, [
        ['any', ['missing', 'finished'], ['lacks', 'finished', task]],
      ]),

    /** Removes a task that could not be started; it may come again. */
    withdraw: (id: string, task: string) => change(id, { take: { tasks: new Set([task]) } }, []),

    /** Removes a task, and ignores a start of it that arrives later. */
    finish: async (id: string, task: string): Promise<SemaphoreHook | undefined> => {
      const hook = await change(
        id,
        { take: { tasks: new Set([task]) }, add: { finished: new Set([task]) } },
        [],
      );
      if (!hook || hook.finished.size < 2 * finishedKept) return hook;
      const old = [...hook.finished].sort(byAge).slice(0, -finishedKept);
      return change(id, { take: { finished: new Set(old) } }, []);
    },

    /** Removes all tasks. Refused when a task has started since `lastStartAt`. */
    forgetTasks: ({ id, lastStartAt }: SemaphoreHook) =>
      change(id, { unset: ['tasks'] }, [['=', 'lastStartAt', lastStartAt]]),

    /** Removes it from the live index: its instance is off and it has no tasks. */
    rest: (id: string) => change(id, { unset: ['live', 'liveKey'] }, [['missing', 'tasks']]),
  };
};
