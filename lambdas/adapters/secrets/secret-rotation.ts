/**
 * Rotation of secrets: a new signing key, new data keys, and all secrets encrypted under them. It can be
 * resumed, and running it twice does no harm. Old data keys stay: a function may remember one for a while and
 * encrypt under it; the next rotation moves those secrets.
 */
import * as z from 'zod';
import { type Clock, type Instant, instant } from '../../../protocol/index.ts';
import type { NewId } from '../ids.ts';
import { ItemTooLarge } from '../item-size.ts';
import type { RandomBytes } from '../runners/registration-tokens.ts';
import { type Item, type Key, keys, queryAll, type Table } from '../table.ts';
import { CannotOpen, type DataKeys, type SecretScope } from './data-keys.ts';
import {
  placeOf,
  sealedTable,
  secretAttributesOf,
  secretPrefixes,
  secretScopeOf,
} from './secret-attributes.ts';
import { dataKeyOf, type Vault } from './secret-encryption.ts';
import { renewSigningKey } from './signing-keys.ts';

const stored = z.object({
  startedAt: instant,
  /** Scopes that are done, with their new data key. */
  done: z.record(z.string(), z.string()),
  resealed: z.int(),
  failed: z.int().default(0),
  endedAt: instant.optional(),
});
type Rotation = z.infer<typeof stored>;

export interface RotationProgress {
  /** False: call again to continue. */
  readonly ended: boolean;
  readonly startedAt: Instant;
  /** Number of scopes that are done: projects, global runners and the stack itself. */
  readonly scopes: number;
  readonly scopesDone: number;
  /** Number of values that this rotation encrypted. */
  readonly resealed: number;
  /** Number of items that could not be encrypted and stay unchanged; the log names each. */
  readonly failed: number;
}

export interface RotationDeps {
  /** Table without decryption: secrets are encrypted. */
  readonly table: Table;
  readonly dataKeys: DataKeys;
  readonly vault: Vault;
  readonly now: Clock;
  readonly newId: NewId;
  readonly randomBytes: RandomBytes;
  /** Reports an item that cannot be encrypted again, such as one that nothing opens. The rotation goes on. */
  readonly reportFailed: (about: {
    readonly pk: string;
    readonly sk: string;
    readonly error: string;
  }) => void;
  /** True when there is time for another scope. */
  readonly hasTime: () => boolean;
}

const scopesOf = async (table: Table): Promise<SecretScope[]> => [
  keys.stackSecrets().pk,
  'global',
  ...(await queryAll(table, { pk: 'projects', prefix: 'prj_' })).map(({ sk }) => String(sk)),
];

/**
 * Reads all items of the scope that may hold a secret. Of tasks and events it reads live ones, as ended ones
 * have none.
 */
const itemsIn = async (table: Table, scope: SecretScope): Promise<Item[]> => {
  if (scope === keys.stackSecrets().pk) {
    const own = await table.batchGet([keys.stackSecrets(), keys.signInProvider()]);
    return [...own, ...(await queryAll(table, { pk: keys.user('').pk, prefix: 'usr_' }))];
  }
  const found: Item[] = [];
  for (const prefix of secretPrefixes) found.push(...(await queryAll(table, { pk: scope, prefix })));
  const live: Key[] = [];
  for (const kind of ['task', 'event'] as const) {
    for await (const key of table.queryLive(kind)) if (key.pk === scope) live.push(key);
  }
  return [...found, ...(await table.batchGet(live))];
};

const keyOf = (item: Item): Key => ({ pk: String(item.pk), sk: String(item.sk) });

/** Encrypts the secrets of an item again. A value that changes meanwhile is encrypted by its writer. */
const resealItem = async ({ table, vault }: RotationDeps, item: Item, dataKey: string): Promise<number> => {
  const key = keyOf(item);
  let resealed = 0;
  for (const name of secretAttributesOf(key)) {
    const before = item[name];
    if (typeof before !== 'string') continue;
    const scope = secretScopeOf(key);
    const text = await vault.open(scope, placeOf(key, name), before);
    if (dataKeyOf(before) === dataKey) continue;
    const after = await vault.seal(scope, placeOf(key, name), text);
    if (await table.update(key, { set: { [name]: after } }, [['=', name, before]])) resealed += 1;
  }
  return resealed;
};

const rotateScope = async (deps: RotationDeps, scope: SecretScope) => {
  const { id } = await deps.dataKeys.renew(scope);
  let [resealed, failed] = [0, 0];
  for (const item of await itemsIn(deps.table, scope)) {
    try {
      resealed += await resealItem(deps, item, id);
    } catch (error) {
      if (!(error instanceof CannotOpen || error instanceof ItemTooLarge)) throw error;
      failed += 1;
      deps.reportFailed({ ...keyOf(item), error: String(error) });
    }
  }
  return { id, resealed, failed };
};

/** Begins a rotation, or continues one that has not ended. */
export const rotateSecrets = async (deps: RotationDeps): Promise<RotationProgress> => {
  const { table, now, hasTime } = deps;
  const item = await table.get(keys.secretRotation());
  const known = item && stored.parse(item);
  const begun = known && known.endedAt === undefined ? known : undefined;
  let rotation: Rotation = begun ?? { startedAt: now(), done: {}, resealed: 0, failed: 0 };
  if (!begun) await renewSigningKey(sealedTable(table, deps.vault), deps);
  const save = async (change: Partial<Rotation>): Promise<void> => {
    rotation = { ...rotation, ...change };
    await table.put({ ...keys.secretRotation(), ...rotation });
  };

  const scopes = await scopesOf(table);
  for (const scope of scopes) {
    if (scope in rotation.done) continue;
    if (!hasTime()) break;
    const { id, resealed, failed } = await rotateScope(deps, scope);
    await save({
      done: { ...rotation.done, [scope]: id },
      resealed: rotation.resealed + resealed,
      failed: rotation.failed + failed,
    });
  }
  const scopesDone = scopes.filter((scope) => scope in rotation.done).length;
  const ended = scopesDone === scopes.length;
  if (ended) await save({ endedAt: now() });
  const { startedAt, resealed, failed } = rotation;
  return { ended, startedAt, scopes: scopes.length, scopesDone, resealed, failed };
};
