/**
 * Data keys, which KMS makes and wraps. Each works for one project only, as KMS checks the project that it
 * was made for.
 */
import * as z from 'zod';
import type { Clock } from '../../../protocol/index.ts';
import type { NewId } from '../ids.ts';
import { type Key, keys, type Table } from '../table.ts';
import { ttlCache } from '../ttl-cache.ts';

/** Owner of secrets: a project, global runners, or the stack with its people. */
export type SecretScope = Key['pk'];

/** An encrypted value can never be opened: it was changed or moved, or its data key is gone. */
export class CannotOpen extends Error {
  override readonly name = 'CannotOpen';
}

/** KMS's errors for a wrapped key that it did not make so (AWS: Decrypt). */
const neverUnwrapped: ReadonlySet<string> = new Set(['InvalidCiphertextException', 'IncorrectKeyException']);

/** Calls of KMS. `wrapped` is base64. */
export interface KeyService {
  make(scope: SecretScope): Promise<{ key: Uint8Array; wrapped: string; wrappedBy: string }>;
  /** Unwraps a key. Throws unless it was made for this scope. */
  unwrap(scope: SecretScope, wrapped: string, wrappedBy: string): Promise<Uint8Array>;
}

const stored = z.object({ sk: z.string(), wrapped: z.string(), wrappedBy: z.string() });

/**
 * Time for which a function remembers a key. One call of KMS per project, function and quarter of an hour of
 * work costs cents a month; one per secret would cost dollars (docs/using/cost.md).
 */
export const rememberKeysMs = 15 * 60_000;

export interface DataKey {
  readonly id: string;
  readonly key: Uint8Array;
}

export interface DataKeys {
  /** Returns the newest key of the scope; makes it at first need. */
  current(scope: SecretScope): Promise<DataKey>;
  /** Returns a key. Throws when the scope doesn't have it. */
  get(scope: SecretScope, id: string): Promise<DataKey>;
  /** Makes a new key, used at once here and within `rememberKeysMs` everywhere. */
  renew(scope: SecretScope): Promise<DataKey>;
}

interface Deps {
  readonly service: KeyService;
  readonly now: Clock;
  readonly newId: NewId;
}

const prefix = 'dek_';

/** Keeps wrapped keys in the table beside the values that they encrypt, so they go with their project. */
export const dataKeys = (table: Table, { service, now, newId }: Deps): DataKeys => {
  const cache = ttlCache<DataKey>(now, rememberKeysMs);

  const unwrap = async (scope: SecretScope, item: unknown): Promise<DataKey> => {
    const found = stored.safeParse(item);
    if (!found.success) throw new CannotOpen(`A data key of ${scope} cannot be read.`);
    const { sk, wrapped, wrappedBy } = found.data;
    try {
      return { id: sk, key: await service.unwrap(scope, wrapped, wrappedBy) };
    } catch (error) {
      const isLost = error instanceof Error && neverUnwrapped.has(error.name);
      throw isLost
        ? new CannotOpen(`KMS does not unwrap the data key ${sk} of ${scope}.`, { cause: error })
        : error;
    }
  };
  const make = async (scope: SecretScope): Promise<DataKey> => {
    const { key, wrapped, wrappedBy } = await service.make(scope);
    const id = newId('dek', now());
    await table.put({ ...keys.dataKey(scope, id), wrapped, wrappedBy, createdAt: now() }, [
      ['missing', 'pk'],
    ]);
    return { id, key };
  };

  return {
    current: (scope) =>
      cache.find(scope, async () => {
        const { items } = await table.query({ pk: scope, prefix, descending: true, limit: 1 });
        return items[0] ? unwrap(scope, items[0]) : make(scope);
      }),

    get: (scope, id) =>
      cache.find(`${scope}/${id}`, async () => {
        const item = await table.get(keys.dataKey(scope, id));
        if (!item) throw new CannotOpen(`There is no data key ${id} in ${scope}.`);
        return unwrap(scope, item);
      }),

    renew: (scope) => cache.replace(scope, make(scope)),
  };
};
