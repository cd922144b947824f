/** Names of secret attributes, and a table that encrypts them without the knowledge of its stores. */

import type { Update } from '../expressions.ts';
import { type Item, type Key, keys, type Table, type TransactWrite } from '../table.ts';
import { CannotOpen, type SecretScope } from './data-keys.ts';
import type { Vault } from './secret-encryption.ts';

/** Secret attributes by prefix of the id, in the partition of a project or of global runners. */
const byPrefix: Readonly<Record<string, readonly string[]>> = {
  key_: ['secret'],
  env_: ['secrets', 'secretFiles'],
  run_: ['webhookSecret'],
  sch_: ['surveySecrets'],
  tsk_: ['surveySecrets'],
  iev_: ['answers'],
  usr_: ['totpSecret', 'newTotpSecret'],
};
const stackScope = keys.stackSecrets().pk;

const ofStack: Readonly<Record<string, readonly string[]>> = {
  [keys.stackSecrets().sk]: ['signingKey', 'signingKeys'],
  [keys.signInProvider().sk]: ['clientSecret'],
};

/** Prefixes of ids of items with secrets, in the partition of a pool. */
export const secretPrefixes = ['key_', 'env_', 'run_', 'sch_'] as const;

/** Names of the secret attributes in the item with this key. */
export const secretAttributesOf = ({ pk, sk }: Key): readonly string[] =>
  (pk === stackScope ? ofStack[sk] : byPrefix[sk.slice(0, 4)]) ?? [];

/** Scope of an item's data keys: people belong to the stack. */
export const secretScopeOf = ({ pk }: Key): SecretScope => (pk === keys.user('').pk ? stackScope : pk);

export const placeOf = ({ sk }: Key, attribute: string): string => `${sk}#${attribute}`;

const keyOf = (item: Item): Key => ({ pk: String(item.pk), sk: String(item.sk) });

/** Stands for a secret that cannot be opened: no schema accepts it, so its item counts as unreadable. */
class Unopened {}

/** Wraps a table: secret attributes are encrypted in DynamoDB, and plain for the caller. */
export const sealedTable = (table: Table, vault: Vault): Table => {
  const seal = async (key: Key, values: Item): Promise<Item> => {
    const secret = secretAttributesOf(key).filter((name) => values[name] !== undefined);
    const sealed = await Promise.all(
      secret.map(async (name) => {
        const text = JSON.stringify(values[name]);
        return [name, await vault.seal(secretScopeOf(key), placeOf(key, name), text)] as const;
      }),
    );
    return { ...values, ...Object.fromEntries(sealed) };
  };
  const open = async (item: Item): Promise<Item> => {
    const key = keyOf(item);
    const secret = secretAttributesOf(key).filter((name) => item[name] !== undefined);
    const opened = await Promise.all(
      secret.map(async (name): Promise<[string, unknown]> => {
        try {
          const text = await vault.open(secretScopeOf(key), placeOf(key, name), String(item[name]));
          return [name, JSON.parse(text)];
        } catch (error) {
          // A temporary failure, such as KMS refusing for now, must not make items unreadable.
          if (error instanceof CannotOpen) return [name, new Unopened()];
          throw error;
        }
      }),
    );
    return { ...item, ...Object.fromEntries(opened) };
  };
  const sealItem = async <T extends Key & Item>(item: T) => ({
    ...(await seal(item, item)),
    pk: item.pk,
    sk: item.sk,
  });
  const sealUpdate = async (key: Key, update: Update): Promise<Update> => ({
    ...update,
    set: update.set && (await seal(key, update.set)),
    setIfMissing: update.setIfMissing && (await seal(key, update.setIfMissing)),
  });
  const sealWrite = async (write: TransactWrite): Promise<TransactWrite> => {
    if ('put' in write) return { ...write, put: await sealItem(write.put) };
    return 'update' in write ? { ...write, change: await sealUpdate(write.update, write.change) } : write;
  };
  const openIf = async (item: Item | undefined): Promise<Item | undefined> => item && open(item);

  return {
    reportUnreadable: (found) => table.reportUnreadable(found),
    get: async (key) => openIf(await table.get(key)),
    batchGet: async (wanted) => Promise.all((await table.batchGet(wanted)).map(open)),
    put: async (item, conditions) => table.put(await sealItem(item), conditions),
    update: async (key, update, conditions, returns) =>
      openIf(await table.update(key, await sealUpdate(key, update), conditions, returns)),
    remove: (key, conditions) => table.remove(key, conditions),
    transact: async (writes) => {
      const sealed = await Promise.all(writes.map(sealWrite));
      const failed = await table.transact(sealed);
      return writes.filter((_, index) => failed.some((write) => write === sealed[index]));
    },
    query: async (query) => {
      const { items, next } = await table.query(query);
      return { items: await Promise.all(items.map(open)), next };
    },
    queryLive: (...args) => table.queryLive(...args),
  };
};
