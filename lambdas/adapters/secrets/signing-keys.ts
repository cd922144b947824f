/**
 * Keys that sign the tokens of agents and people. The first is made at first need, others by each rotation.
 */
import * as z from 'zod';
import { addMs, type Clock, type Instant, instant, toInstant } from '../../../protocol/index.ts';
import type { NewId } from '../ids.ts';
import { loginLifetimeMs } from '../people/users.ts';
import type { RandomBytes } from '../runners/registration-tokens.ts';
import { keys, type Table } from '../table.ts';
import { ttlCache } from '../ttl-cache.ts';
import { rememberKeysMs } from './data-keys.ts';
import { firstKeyId, type SigningKey, type SigningKeys } from './signed-tokens.ts';

/** Tolerance for differences between clocks. */
const graceMs = 60_000;
/** Delay before a new key signs: until then other functions may remember the keys without it. */
const knownAfterMs = rememberKeysMs + graceMs;
/** Longest lifetime of a signed token: a sign-in. */
const longestMs = loginLifetimeMs + graceMs;

const storedKey = z.object({ id: z.string(), key: z.base64url(), signsFrom: instant });
type StoredKey = z.infer<typeof storedKey>;

const stored = z.object({
  signingKeys: z.array(storedKey).optional(),
  /** Key of a stack that has had only one. */
  signingKey: z.base64url().optional(),
  version: z.int().optional(),
});

interface Deps {
  readonly now: Clock;
  readonly newId: NewId;
  readonly randomBytes: RandomBytes;
}

/** Removes keys whose tokens have all expired. */
const stillGood = (all: readonly StoredKey[], now: Instant): StoredKey[] =>
  all.filter((_, index) => {
    const next = all[index + 1];
    return next === undefined || addMs(next.signsFrom, longestMs) > now;
  });

const read = async (table: Table, now: Instant) => {
  const item = await table.get(keys.stackSecrets());
  if (!item) return undefined;
  const { signingKeys, signingKey, version } = stored.parse(item);
  const first =
    signingKey === undefined ? [] : [{ id: firstKeyId, key: signingKey, signsFrom: toInstant(0) }];
  return { known: stillGood(signingKeys ?? first, now), version };
};

/** Makes a key of 256 bits, for HMAC-SHA-256 (RFC 7518, section 3.2). */
const makeKey = ({ newId, randomBytes }: Deps, signsFrom: Instant): StoredKey => ({
  id: newId('sgk'),
  key: randomBytes(32).toString('base64url'),
  signsFrom,
});

/** Loads the valid keys, oldest first. */
export const loadSigningKeys = async (table: Table, deps: Deps): Promise<readonly SigningKey[]> => {
  const found = await read(table, deps.now());
  if (found) return found.known.map(({ key, ...one }) => ({ ...one, key: Buffer.from(key, 'base64url') }));
  const made = { ...keys.stackSecrets(), signingKeys: [makeKey(deps, deps.now())], version: 1 };
  // The first writer makes the key; the other reads it.
  await table.put(made, [['missing', 'pk']]);
  return loadSigningKeys(table, deps);
};

/** Reads the keys again after a quarter of an hour. */
export const rememberSigningKeys = (load: SigningKeys, now: Clock): SigningKeys => {
  const cache = ttlCache<readonly SigningKey[]>(now, rememberKeysMs);
  return () => cache.find('signing keys', load);
};

/**
 * Makes a new key, which signs once all functions know it. The old one verifies while its tokens can be
 * valid. A concurrent rotation wins, and is enough.
 */
export const renewSigningKey = async (table: Table, deps: Deps): Promise<void> => {
  const now = deps.now();
  const found = await read(table, now);
  if (!found) return;
  const { known, version } = found;
  await table.update(
    keys.stackSecrets(),
    {
      set: {
        signingKeys: [...known, makeKey(deps, addMs(now, knownAfterMs))],
        version: (version ?? 0) + 1,
      },
      unset: ['signingKey'],
    },
    [version === undefined ? ['missing', 'version'] : ['=', 'version', version]],
  );
};
