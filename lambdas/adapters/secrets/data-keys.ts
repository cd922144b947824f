/** Data keys, which KMS makes and wraps: each is good for one project only, as KMS checks the project that it was made for. */
import { DecryptCommand, GenerateDataKeyCommand, type KMSClient } from '@aws-sdk/client-kms';
import * as z from 'zod';
import type { Clock } from '../../../protocol/index.ts';
import type { NewId } from '../ids.ts';
import { type Key, keys, type Table } from '../table.ts';
import { remembering } from '../ttl-cache.ts';

/** Whose secrets: a project's, those of global runners, or the stack's own with those of people. */
export type SecretScope = Key['pk'];

/** What is sealed can never be opened: it was changed or belongs elsewhere, or its data key is gone. */
export class CannotOpen extends Error {
  override readonly name = 'CannotOpen';
}

/** KMS's words for a wrapped key that it has not made so (AWS: Decrypt). */
const neverUnwrapped: ReadonlySet<string> = new Set(['InvalidCiphertextException', 'IncorrectKeyException']);

/** What KMS is asked for. `wrapped` is base64. */
export interface KeyService {
  make(scope: SecretScope): Promise<{ key: Uint8Array; wrapped: string; wrappedBy: string }>;
  /** Throws unless it was made for this scope. */
  unwrap(scope: SecretScope, wrapped: string, wrappedBy: string): Promise<Uint8Array>;
}

/** The encryption context has to be the same for unwrapping; it is no secret, and stands in CloudTrail. */
const contextOf = (scope: SecretScope) => ({ projectId: scope });

export const kmsKeyService = (client: KMSClient, keyArn: string): KeyService => ({
  make: async (scope) => {
    const made = await client.send(
      new GenerateDataKeyCommand({ KeyId: keyArn, KeySpec: 'AES_256', EncryptionContext: contextOf(scope) }),
    );
    if (!made.Plaintext || !made.CiphertextBlob) throw new Error('KMS has made no key.');
    return {
      key: made.Plaintext,
      wrapped: Buffer.from(made.CiphertextBlob).toString('base64'),
      wrappedBy: made.KeyId ?? keyArn,
    };
  },

  unwrap: async (scope, wrapped, wrappedBy) => {
    const { Plaintext } = await client.send(
      new DecryptCommand({
        KeyId: wrappedBy,
        CiphertextBlob: Buffer.from(wrapped, 'base64'),
        EncryptionContext: contextOf(scope),
      }),
    );
    if (!Plaintext) throw new Error('KMS has unwrapped nothing.');
    return Plaintext;
  },
});

const stored = z.object({ sk: z.string(), wrapped: z.string(), wrappedBy: z.string() });

/**
 * How long a function remembers a key: a call of KMS for each project, function and quarter of an hour of work costs cents a
 * month where one for each secret would cost dollars (docs/using/cost.md).
 */
export const rememberKeysMs = 15 * 60_000;

export interface DataKey {
  readonly id: string;
  readonly key: Uint8Array;
}

export interface DataKeys {
  /** The newest of the scope; made at first need. */
  current(scope: SecretScope): Promise<DataKey>;
  /** Throws when the scope has no such key. */
  get(scope: SecretScope, id: string): Promise<DataKey>;
  /** Makes another one, which is the newest from now on: at once here, within `rememberKeysMs` everywhere. */
  renew(scope: SecretScope): Promise<DataKey>;
}

interface Deps {
  readonly service: KeyService;
  readonly now: Clock;
  readonly newId: NewId;
}

const prefix = 'dek_';

/** Keeps wrapped keys in the table, beside what they encrypt: they go with their project. */
export const dataKeys = (table: Table, { service, now, newId }: Deps): DataKeys => {
  const memory = remembering<DataKey>(now, rememberKeysMs);

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
      memory.find(scope, async () => {
        const { items } = await table.query({ pk: scope, prefix, descending: true, limit: 1 });
        return items[0] ? unwrap(scope, items[0]) : make(scope);
      }),

    get: (scope, id) =>
      memory.find(`${scope}/${id}`, async () => {
        const item = await table.get(keys.dataKey(scope, id));
        if (!item) throw new CannotOpen(`There is no data key ${id} in ${scope}.`);
        return unwrap(scope, item);
      }),

    renew: (scope) => memory.replace(scope, make(scope)),
  };
};
