/**
 * Names that only one thing of a kind may have in its partition (a project, `global`, or `projects` for projects themselves).
 * Each name has a lock item, which holds the id of what has that name.
 *
 * A save takes the new name, then writes the item, then frees the name before. A lock counts while its holder exists under that name.
 * A crash between these writes leaves a lock whose holder is missing or named otherwise. Such a lock counts for one minute,
 * in which the save may still be under way; after that the next save that wants the name takes it over.
 *
 * Items of version 0.1.0 have no locks. The first save of a kind in a partition makes them, once: of several with the same name the
 * oldest gets it, and the others keep theirs until they are saved.
 */
import * as z from 'zod';
import { type Clock, instant, msBetween } from '../../../protocol/index.ts';
import { type Item, keys, queryAll, type Table } from '../table.ts';

/** What has names of its own: the prefixes of the ids. */
export type NamedKind = 'prj' | 'tpl' | 'inv' | 'rep' | 'key' | 'env' | 'int' | 'sch' | 'run';

/** Longer than any request to the API takes: API Gateway gives up after 30 s. */
const underWayMs = 60_000;
const adoptedAtOnce = 25;

/** Another thing of that kind has the name; without its id: a save is under way that may give it the name. */
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

export type NameStore = ReturnType<typeof nameStore>;

export const nameStore = (table: Table, now: Clock) => {
  /** Gives the names of what was stored before there were locks to who has them. */
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

  /** Makes the name that of `id`, which may have it already. Throws NameTaken when another has it. */
  const take = async (partition: string, kind: NamedKind, name: string, id: string): Promise<void> => {
    await adopt(partition, kind);
    const key = keys.name(partition, kind, name);
    const mine = { ...key, id, takenAt: now() };
    if (await table.put(mine, [['any', ['missing', 'pk'], ['=', 'id', id]]])) return;
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

  /** Frees the name, if it is that of `id`. */
  const free = async (partition: string, kind: NamedKind, name: string, id: string): Promise<void> => {
    await table.remove(keys.name(partition, kind, name), [['=', 'id', id]]);
  };

  /** After a write that failed: whoever mends the input saves it again under the same name. The item may be written all the same. */
  const freeUnlessHeld = async (...[partition, kind, name, id]: Parameters<typeof free>): Promise<void> => {
    if (!(await isHeld(partition, id, name))) await free(partition, kind, name, id);
  };

  return {
    take,
    free,

    /**
     * Writes what has that name (`before`: the name that it had), and frees the name that it has not afterwards. `write` answers with
     * undefined when there was nothing to write.
     */
    keep: async <T>(
      partition: string,
      kind: NamedKind,
      { id, name, before }: { readonly id: string; readonly name: string; readonly before?: string },
      write: () => Promise<T | undefined>,
    ): Promise<T | undefined> => {
      await take(partition, kind, name, id);
      const written = await write().catch(async (error: unknown) => {
        if (before !== name) await freeUnlessHeld(partition, kind, name, id).catch(() => {});
        throw error;
      });
      if (written === undefined) await free(partition, kind, name, id);
      else if (before !== undefined && before !== name) await free(partition, kind, before, id);
      return written;
    },
  };
};
