/**
 * Records of one kind. A write must pass the schema that reads it. An unreadable item is skipped and
 * reported, and never stops a list. All stores use these.
 */
import * as z from 'zod';
import type { Condition, Update } from './expressions.ts';
import type { Item, Key, Table } from './table.ts';
import { UnreadableItem } from './unreadable-item.ts';

/** A value that could not be read again, so nothing was written. Each fault names its field. */
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

/** Names of the invalid fields, without their values. */
const fieldsOf = ({ issues }: z.ZodError): string[] => [
  ...new Set(issues.map(({ path }) => path.map(String).join('.') || 'the item')),
];

/** Result of an update for each attribute that it names, as far as the update alone shows. */
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

  /** Checks an item that a transaction writes. Throws RecordRefused. */
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

    /** Reads an item. Throws UnreadableItem. */
    read,
    readIf,

    /** Returns the readable records and reports the others. */
    readAll: (items: readonly Item[]): T[] =>
      items.flatMap((item) => {
        const result = schema.safeParse(item);
        if (result.success) return [result.data];
        table.reportUnreadable(new UnreadableItem(keyOf(item), fieldsOf(result.error)));
        return [];
      }),

    /** Returns the records by their sort keys, and marks the unreadable ones: the caller must handle them. */
    readMarked: (items: readonly Item[]): Map<string, T | 'unreadable'> =>
      new Map(
        items.map((item) => {
          const result = schema.safeParse(item);
          return [keyOf(item).sk, result.success ? result.data : 'unreadable'];
        }),
      ),

    /** Writes an item. Throws RecordRefused. */
    put: async (item: Key & Item, conditions?: readonly Condition[]): Promise<boolean> => {
      checkItem(item);
      return table.put(item, conditions);
    },

    /** Updates an item. Throws RecordRefused, and UnreadableItem when the item was unreadable before. */
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
