/** The store of the stack's sign-in provider. */
import * as z from 'zod';
import { type Clock, instant, signInProviderFields } from '../../../protocol/index.ts';
import { recordsOf } from '../records.ts';
import { keys, type Table } from '../table.ts';

const stored = signInProviderFields.strip().extend({ clientSecret: z.string(), updatedAt: instant });
export type StoredProvider = z.infer<typeof stored>;

export type SignInProviderStore = ReturnType<typeof signInProviderStore>;

export const signInProviderStore = (table: Table, now: Clock) => ({
  get: async (): Promise<StoredProvider | undefined> => {
    const item = await table.get(keys.signInProvider());
    return recordsOf(table, stored).readIf(item);
  },
  put: async (input: Omit<StoredProvider, 'updatedAt'>): Promise<StoredProvider> => {
    const made = { ...input, updatedAt: now() };
    await table.put({ ...keys.signInProvider(), ...made });
    return made;
  },
  /** Whether there was one. */
  remove: (): Promise<boolean> => table.remove(keys.signInProvider(), [['exists', 'pk']]),
});
