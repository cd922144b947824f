/** The keys with which the control plane signs what agents and people carry: the first made at first need, others by each rotation. */
import * as z from 'zod';
import { addMs, type Clock, type Instant, instant, toInstant } from '../../../protocol/index.ts';
import type { NewId } from '../ids.ts';
import { loginLifetimeMs } from '../people/users.ts';
import type { RandomBytes } from '../runners/registration-tokens.ts';
import { keys, type Table } from '../table.ts';
import { remembering } from '../ttl-cache.ts';
import { rememberKeysMs } from './data-keys.ts';
import { firstKeyId, type SigningKey, type SigningKeys } from './signed-tokens.ts';

/** For clocks that differ. */
const graceMs = 60_000;
/** Everybody knows a key before anybody signs by it: until then they may remember the keys without it. */
const knownAfterMs = rememberKeysMs + graceMs;
/** The longest that anything signed is good: a sign-in. */
const longestMs = loginLifetimeMs + graceMs;

const storedKey = z.object({ id: z.string(), key: z.base64url(), signsFrom: instant });
type StoredKey = z.infer<typeof storedKey>;

const stored = z.object({
  signingKeys: z.array(storedKey).optional(),
  /** Of a stack that has had one key only. */
  signingKey: z.base64url().optional(),
  version: z.int().optional(),
});

interface Deps {
  readonly now: Clock;
  readonly newId: NewId;
  readonly randomBytes: RandomBytes;
}

/** Without those that signed nothing which can be good any more. */
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

/** 256 bits, for HMAC-SHA-256 (RFC 7518, section 3.2). */
const makeKey = ({ newId, randomBytes }: Deps, signsFrom: Instant): StoredKey => ({
  id: newId('sgk'),
  key: randomBytes(32).toString('base64url'),
  signsFrom,
});

/** The keys that are good, oldest first. */
export const loadSigningKeys = async (table: Table, deps: Deps): Promise<readonly SigningKey[]> => {
  const found = await read(table, deps.now());
  if (found) return found.known.map(({ key, ...one }) => ({ ...one, key: Buffer.from(key, 'base64url') }));
  const made = { ...keys.stackSecrets(), signingKeys: [makeKey(deps, deps.now())], version: 1 };
  // Whoever writes first makes the key; the other reads it.
  await table.put(made, [['missing', 'pk']]);
  return loadSigningKeys(table, deps);
};

/** Reads them anew at most every quarter of an hour. */
export const rememberSigningKeys = (load: SigningKeys, now: Clock): SigningKeys => {
  const memory = remembering<readonly SigningKey[]>(now, rememberKeysMs);
  return () => memory.find('signing keys', load);
};

/**
 * Makes another key, which signs once everybody knows it; the one before verifies for as long as what it signed can be good. A rotation at
 * the same time wins and is enough.
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
