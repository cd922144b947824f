/** DynamoDB in memory: conditional writes on one item, consistent reads, and a delayed index. */
import type { Condition, Update } from '../../lambdas/adapters/expressions.ts';
import type { Item, Key, LiveKey, LiveKind, Query, TransactWrite } from '../../lambdas/adapters/table.ts';
import { allHold, updated, withoutUndefined } from './evaluate.ts';
import type { VirtualTime } from './virtual-time.ts';

export type OnWrite = (key: Key, before: Item | undefined, after: Item | undefined) => void;

export type SimulatedTable = ReturnType<typeof createSimulatedTable>;

interface Options {
  readonly time: VirtualTime;
  /** Delay until the index contains a write. */
  readonly indexDelayMs: () => number;
  readonly onWrite: OnWrite;
}

const liveKeyOf = (item: Item | undefined): { live: string; liveKey: string } | undefined =>
  typeof item?.live === 'string' && typeof item.liveKey === 'string'
    ? { live: item.live, liveKey: item.liveKey }
    : undefined;

export const createSimulatedTable = ({ time, indexDelayMs, onWrite }: Options) => {
  const partitions = new Map<string, Map<string, Item>>();
  const index = new Map<string, Map<string, { liveKey: string; key: Key }>>();
  const indexedUntilMs = new Map<string, number>();

  const get = ({ pk, sk }: Key) => partitions.get(pk)?.get(sk);

  const putInIndex = (key: Key, before: Item | undefined, after: Item | undefined) => {
    const [old, now] = [liveKeyOf(before), liveKeyOf(after)];
    if (old?.live === now?.live && old?.liveKey === now?.liveKey) return;
    const name = `${key.pk}|${key.sk}`;
    // The index applies the changes of one item in their order.
    const atMs = Math.max(time.nowMs() + indexDelayMs(), indexedUntilMs.get(name) ?? 0);
    indexedUntilMs.set(name, atMs);
    time.after(atMs - time.nowMs(), () => {
      if (old) index.get(old.live)?.delete(name);
      if (!now) return;
      const entries = index.get(now.live) ?? new Map();
      index.set(now.live, entries);
      entries.set(name, { liveKey: now.liveKey, key });
    });
  };

  const write = (key: Key, before: Item | undefined, after: Item | undefined) => {
    const partition = partitions.get(key.pk) ?? new Map<string, Item>();
    partitions.set(key.pk, partition);
    if (after) partition.set(key.sk, after);
    else partition.delete(key.sk);
    putInIndex({ pk: key.pk, sk: key.sk }, before, after);
    onWrite(key, before, after);
  };

  return {
    get,
    batchGet: (keys: readonly Key[]): Item[] =>
      [...new Map(keys.map((key) => [`${key.pk}|${key.sk}`, key])).values()]
        .map(get)
        .filter((item) => item !== undefined),
    put: (item: Key & Item, conditions: readonly Condition[] = []): boolean => {
      const before = get(item);
      if (!allHold(before, conditions)) return false;
      write(item, before, withoutUndefined(item));
      return true;
    },
    update: (
      key: Key,
      update: Update,
      conditions: readonly Condition[],
      returns: 'new' | 'old' = 'new',
    ): Item | undefined => {
      const before = get(key);
      if (!allHold(before, conditions)) return undefined;
      const after = updated(before ?? { ...key }, update);
      write(key, before, after);
      return returns === 'new' ? after : before;
    },
    remove: (key: Key, conditions: readonly Condition[] = []): boolean => {
      const before = get(key);
      if (!allHold(before, conditions)) return false;
      if (before) write(key, before, undefined);
      return true;
    },
    transact: (writes: readonly TransactWrite[]): TransactWrite[] => {
      const keyOf = (write: TransactWrite): Key => {
        if ('put' in write) return write.put;
        if ('update' in write) return write.update;
        return 'remove' in write ? write.remove : write.check;
      };
      const refused = writes.filter((one) => !allHold(get(keyOf(one)), one.conditions ?? []));
      if (refused.length > 0) return refused;
      for (const one of writes) {
        const key = keyOf(one);
        const before = get(key);
        if ('put' in one) write(key, before, withoutUndefined(one.put));
        else if ('update' in one) write(key, before, updated(before ?? { ...key }, one.change));
        else if ('remove' in one && before) write(key, before, undefined);
      }
      return [];
    },
    query: ({ pk, prefix, from, to, where = [], descending = false, limit, after }: Query) => {
      const all = [...(partitions.get(pk) ?? [])]
        .filter(
          ([sk]) => (prefix === undefined || sk.startsWith(prefix)) && (from === undefined || sk >= from),
        )
        .filter(([sk]) => to === undefined || sk <= to)
        .sort(([a], [b]) => (a < b ? -1 : 1));
      if (descending) all.reverse();
      const rest = after ? all.filter(([sk]) => (descending ? sk < after.sk : sk > after.sk)) : all;
      const page = limit === undefined ? rest : rest.slice(0, limit);
      const last = page.at(-1);
      return {
        items: page.map(([, item]) => item).filter((item) => allHold(item, where)),
        next: last && page.length < rest.length ? { pk, sk: last[0] } : undefined,
      };
    },
    /** Reads the index in its current, delayed state. */
    queryLive: (kind: LiveKind, prefix = '', atMost?: number): LiveKey[] =>
      [...(index.get(kind)?.values() ?? [])]
        .filter(({ liveKey }) => liveKey.startsWith(prefix))
        .sort((a, b) => (a.liveKey < b.liveKey ? -1 : 1))
        .slice(0, atMost)
        .map(({ key, liveKey }) => ({ ...key, liveKey })),
    /** Yields every item, for the invariants. */
    items: function* (skPrefix: string): Generator<Item> {
      for (const partition of partitions.values()) {
        for (const [sk, item] of partition) if (sk.startsWith(skPrefix)) yield item;
      }
    },
  };
};
