/**
 * Names that are unique for a kind within a partition (a project, `global`, or `projects` for projects
 * themselves). Each name has a lock item, which holds the id of its holder.
 *
 * A save writes the item, locks its name and removes the old lock in one transaction, so they always agree. A
 * lock counts for nothing when its holder is missing or has another name.
 *
 * Runners take and free their names by separate writes (`take`, `free`). A crash between these leaves a lock
 * without a holder, which counts for one minute.
 *
 * Items of version 0.1.0 have no locks. The first save of a kind in a partition makes them, once. Of several
 * items with the same name the oldest gets the lock, and the others keep the name until they are saved.
 */
import * as z from 'zod';
import { type Clock, instant, msBetween } from '../../../protocol/index.ts';
import type { Condition } from '../expressions.ts';
import { type Item, keys, queryAll, type Table, type TransactWrite } from '../table.ts';

/** Words for the kinds of items with unique names, by the prefixes of their ids. */
export const namedKinds = {
  prj: 'project',
  tpl: 'template',
  inv: 'inventory',
  rep: 'repository',
  key: 'key',
  env: 'environment',
  int: 'integration',
  sch: 'schedule',
  run: 'runner',
} as const;
export type NamedKind = keyof typeof namedKinds;

/** Longer than any request to the API: API Gateway times out after 30 s. */
const underWayMs = 60_000;
const adoptedAtOnce = 25;
/** Maximum tries: a lock that changes on each read is contested by others. */
const lockTries = 5;

/** Another item of the kind has the name. Without its id: a save in progress may give it the name. */
export class NameTaken extends Error {
  override readonly name = 'NameTaken';
  readonly kind: NamedKind;
  readonly wanted: string;
  readonly holderId: string | undefined;

  constructor(kind: NamedKind, wanted: string, holderId: string | undefined) {
    super(`The name ${JSON.stringify(wanted)} is taken by ${holderId ?? 'a save under way'}.`);
    this.kind = kind;
    this.wanted = wanted;
    this.holderId = holderId;
  }
}

const lock = z.object({ id: z.string(), takenAt: instant });

const isFreeFor = (id: string): Condition => ['any', ['missing', 'pk'], ['=', 'id', id]];

export type NameStore = ReturnType<typeof nameStore>;

export const nameStore = (table: Table, now: Clock) => {
  /** Makes the locks of items that were stored before locks existed. */
  const adopt = async (partition: string, kind: NamedKind): Promise<void> => {
    const mark = keys.namesAdopted(partition, kind);
    if (await table.get(mark)) return;
    const items = await queryAll(table, { pk: partition, prefix: `${kind}_` });
    const oldest = new Map<string, Item>();
    for (const item of items) {
      const name = String(item.name);
      if (item.removedAt === undefined && !oldest.has(name)) oldest.set(name, item);
    }
    const holders = [...oldest];
    for (let from = 0; from < holders.length; from += adoptedAtOnce) {
      await Promise.all(
        holders
          .slice(from, from + adoptedAtOnce)
          .map(([name, { sk }]) =>
            table.put({ ...keys.name(partition, kind, name), id: sk, takenAt: now() }, [['missing', 'pk']]),
          ),
      );
    }
    await table.put({ ...mark, adoptedAt: now() });
  };

  const isHeld = async (partition: string, id: string, name: string): Promise<boolean> => {
    const holder = await table.get({ pk: partition, sk: id });
    return holder !== undefined && holder.name === name && holder.removedAt === undefined;
  };

  /** Locks the name for `id`, which may hold it already. Throws NameTaken when another item has it. */
  const take = async (partition: string, kind: NamedKind, name: string, id: string): Promise<void> => {
    await adopt(partition, kind);
    const key = keys.name(partition, kind, name);
    const mine = { ...key, id, takenAt: now() };
    if (await table.put(mine, [isFreeFor(id)])) return;
    const found = await table.get(key);
    if (!found) throw new NameTaken(kind, name, undefined);
    const { id: holderId, takenAt } = lock.parse(found);
    if (await isHeld(partition, holderId, name)) throw new NameTaken(kind, name, holderId);
    const isUnderWay = msBetween(takenAt, now()) < underWayMs;
    const asFound = [
      ['=', 'id', holderId],
      ['=', 'takenAt', takenAt],
    ] as const;
    if (isUnderWay || !(await table.put(mine, asFound))) throw new NameTaken(kind, name, undefined);
  };

  /** Frees the name if `id` holds it. */
  const free = async (partition: string, kind: NamedKind, name: string, id: string): Promise<void> => {
    await table.remove(keys.name(partition, kind, name), [['=', 'id', id]]);
  };

  /**
   * Returns the write that removes the lock of `id`, for the transaction that renames or removes the item.
   */
  const freeing = async (
    partition: string,
    kind: NamedKind,
    name: string,
    id: string,
  ): Promise<TransactWrite[]> => {
    const key = keys.name(partition, kind, name);
    const found = await table.get(key);
    return found?.id === id ? [{ remove: key, conditions: [['=', 'id', id]] }] : [];
  };

  /** Locks a name for `id` whose holder no longer has it. Throws NameTaken when the holder has it. */
  const takingOver = async (
    partition: string,
    kind: NamedKind,
    name: string,
    id: string,
  ): Promise<TransactWrite[]> => {
    const key = keys.name(partition, kind, name);
    const put = { ...key, id, takenAt: now() };
    const found = await table.get(key);
    const holderId = found && lock.parse(found).id;
    if (holderId === undefined || holderId === id) return [{ put, conditions: [isFreeFor(id)] }];
    if (await isHeld(partition, holderId, name)) throw new NameTaken(kind, name, holderId);
    return [
      { put, conditions: [['=', 'id', holderId]] },
      {
        check: { pk: partition, sk: holderId },
        conditions: [['any', ['missing', 'pk'], ['<>', 'name', name], ['exists', 'removedAt']]],
      },
    ];
  };

  return {
    take,
    free,
    freeing,

    /**
     * Writes an item with its lock (`before`: the name that was read). `writes` include the item itself, on
     * condition that it is unchanged. Returns the writes whose conditions did not hold; none when all is
     * written.
     */
    save: async (
      partition: string,
      kind: NamedKind,
      { id, name, before }: { readonly id: string; readonly name: string; readonly before?: string },
      writes: readonly TransactWrite[],
    ): Promise<readonly TransactWrite[]> => {
      await adopt(partition, kind);
      const isRenamed = before !== undefined && before !== name;
      const freed = isRenamed ? await freeing(partition, kind, before, id) : [];
      const put = { ...keys.name(partition, kind, name), id, takenAt: now() };
      let taken: TransactWrite[] = [{ put, conditions: [isFreeFor(id)] }];
      for (let left = lockTries; left > 0; left -= 1) {
        const failed = await table.transact([...taken, ...freed, ...writes]);
        const own = failed.filter((write) => writes.includes(write));
        if (failed.length === 0 || own.length > 0) return own;
        taken = await takingOver(partition, kind, name, id);
      }
      throw new NameTaken(kind, name, undefined);
    },
  };
};
