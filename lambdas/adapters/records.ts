/**
 * The records of one kind: what is written passes the schema that it is read by, and what cannot be read is skipped, reported
 * and never stops a list. All stores are made of these.
 */
import * as z from 'zod';
import type { Condition, Update } from './expressions.ts';
import type { Item, Key, Table } from './table.ts';
import { UnreadableItem } from './unreadable-item.ts';

/** A value that could not be read again, so that nothing was written. Each fault names its field. */
export class RecordRefused extends Error {
  override readonly name = 'RecordRefused';
  readonly faults: readonly { readonly path: string; readonly message: string }[];

  constructor({ pk, sk }: Key, issues: readonly z.core.$ZodIssue[]) {
    const faults = issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message }));
    super(
      `${pk} ${sk} is not stored: ${faults.map(({ path, message }) => `${path} ${message}`).join('; ')}.`,
    );
    this.faults = faults;
  }
}

const keyOf = (item: Item): Key => ({ pk: String(item.pk), sk: String(item.sk) });

/** The names of the fields that are wrong, and none of their values. */
const fieldsOf = ({ issues }: z.ZodError): string[] => [
  ...new Set(issues.map(({ path }) => path.map(String).join('.') || 'the item')),
];

/** What an update leaves under each attribute that it names, as far as the update alone tells. */
const changedBy = ({ set = {}, setIfMissing = {}, unset = [], add = {} }: Update): Item => ({
  ...Object.fromEntries(unset.map((name) => [name, undefined])),
  ...set,
  ...setIfMissing,
  ...add,
});

export type Records<T> = ReturnType<typeof recordsOf<T>>;

/**
 * Opens the records of a kind. A schema of several shapes has no `shape`: its records are written whole.
 *
 * @example const tasks = recordsOf(table, taskRecord); tasks.readAll(await table.batchGet(keys))
 */
export const recordsOf = <T>(table: Table, schema: z.ZodType<T>) => {
  const read = (item: Item): T => {
    const result = schema.safeParse(item);
    if (result.success) return result.data;
    throw new UnreadableItem(keyOf(item), fieldsOf(result.error));
  };
  const readIf = (item: Item | undefined): T | undefined => item && read(item);

  const shape: Readonly<Record<string, z.core.$ZodType>> = schema instanceof z.ZodObject ? schema.shape : {};

  /** For a write within a transaction. Throws RecordRefused. */
  const checkItem = (item: Key & Item): void => {
    const result = schema.safeParse(item);
    if (!result.success) throw new RecordRefused(item, result.error.issues);
  };
  const checkUpdate = (key: Key, update: Update): void => {
    for (const [name, value] of Object.entries(changedBy(update))) {
      const attribute = shape[name];
      const result = attribute && z.safeParse(attribute, value);
      if (result && !result.success) {
        const issues = result.error.issues.map((issue) => ({ ...issue, path: [name, ...issue.path] }));
        throw new RecordRefused(key, issues);
      }
    }
  };

  return {
    checkItem,
    checkUpdate,

    /** Throws UnreadableItem. */
    read,
    readIf,

    /** Those that can be read; the others are reported. */
    readAll: (items: readonly Item[]): T[] =>
      items.flatMap((item) => {
        const result = schema.safeParse(item);
        if (result.success) return [result.data];
        table.reportUnreadable(new UnreadableItem(keyOf(item), fieldsOf(result.error)));
        return [];
      }),

    /** Throws RecordRefused. */
    put: async (item: Key & Item, conditions?: readonly Condition[]): Promise<boolean> => {
      checkItem(item);
      return table.put(item, conditions);
    },

    /** Throws RecordRefused, and UnreadableItem when the item was unreadable before. */
    update: async (
      key: Key,
      update: Update,
      conditions: readonly Condition[],
      returns?: 'new' | 'old',
    ): Promise<T | undefined> => {
      checkUpdate(key, update);
      return readIf(await table.update(key, update, conditions, returns));
    },
  };
};
