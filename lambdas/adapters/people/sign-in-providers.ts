/** Store of the stack's sign-in provider. */
import * as z from 'zod';
import { type Clock, instant, signInProviderFields } from '../../../protocol/index.ts';
import type { Condition } from '../expressions.ts';
import { recordsOf } from '../records.ts';
import { atVersion, ChangedMeanwhile, nextVersion } from '../resources/versions.ts';
import { keys, type Table } from '../table.ts';

const stored = signInProviderFields
  .strip()
  .extend({ clientSecret: z.string(), updatedAt: instant, version: z.int().optional() });
export type StoredProvider = z.infer<typeof stored>;

export type SignInProviderStore = ReturnType<typeof signInProviderStore>;

export const signInProviderStore = (table: Table, now: Clock) => ({
  get: async (): Promise<StoredProvider | undefined> => {
    const item = await table.get(keys.signInProvider());
    return recordsOf(table, stored).readIf(item);
  },
  /**
   * Replaces `before`, the settings as they were read. Throws ChangedMeanwhile when others are stored by now.
   */
  put: async (
    input: Omit<StoredProvider, 'updatedAt' | 'version'>,
    before: StoredProvider | undefined,
  ): Promise<StoredProvider> => {
    const made = { ...input, updatedAt: now(), version: nextVersion(before?.version) };
    const asRead: Condition[] = before ? atVersion(before.version) : [['missing', 'pk']];
    if (!(await table.put({ ...keys.signInProvider(), ...made }, asRead))) throw new ChangedMeanwhile();
    return made;
  },
  /** Removes the provider. False when there is none. */
  remove: (): Promise<boolean> => table.remove(keys.signInProvider(), [['exists', 'pk']]),
});
