/**
 * What tokens are made of, and those of machines that register. A token is `{id}.{secret}` or `{pool}.{id}.{secret}`; of the secret, 256
 * random bits, only the SHA-256 is stored: no salt and no slow hash are needed where guessing is hopeless.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import {
  addMs,
  apiTokenId,
  type Clock,
  epochMs,
  invitationId,
  projectId,
  type RegistrationTokenId,
  type RegistrationTokenInput,
  type RegistrationTokenRecord,
  registrationTokenId,
  registrationTokenRecord,
  runnerId,
  tag,
} from '../../../protocol/index.ts';
import type { NewId } from '../ids.ts';
import { isMakerValid, type Maker, toStore } from '../makers.ts';
import { recordsOf } from '../records.ts';
import { keys, type Pool, queryAll, type Table } from '../table.ts';

const secretBytes = 32;

export type RandomBytes = (size: number) => Buffer;

/** Makes the secret part of a token. */
export const makeSecret = (randomBytes: RandomBytes): string =>
  randomBytes(secretBytes).toString('base64url');

export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

/** Compares in constant time. */
export const matchesHash = (secret: string, hash: string): boolean => {
  const given = Buffer.from(hashSecret(secret));
  const stored = Buffer.from(hash);
  return given.length === stored.length && timingSafeEqual(given, stored);
};

const secretPart = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const poolPart = z.union([projectId, z.literal('global')]);

const apiTokenParts = z.tuple([apiTokenId, secretPart]);
const registrationTokenParts = z.tuple([poolPart, registrationTokenId, secretPart]);
const invitationTokenParts = z.tuple([projectId, invitationId, secretPart]);
const runnerTokenParts = z.tuple([poolPart, runnerId, secretPart]);

const split = <T extends z.ZodType>(schema: T, token: string): z.infer<T> | undefined =>
  schema.safeParse(token.split('.')).data;

/** The parts of a runner's token, or undefined when it isn't one. Whether it is right, its runner's `tokenHash` tells. */
export const parseRunnerToken = (token: string) => {
  const parts = split(runnerTokenParts, token);
  return parts && { pool: parts[0], runnerId: parts[1], secret: parts[2] };
};

/** The parts of an API token, or undefined when it isn't one. */
export const splitApiToken = (token: string) => {
  const parts = split(apiTokenParts, token);
  return parts && { id: parts[0], secret: parts[1] };
};

/** The parts of an invitation's token, or undefined when it isn't one. */
export const splitInvitationToken = (token: string) => {
  const parts = split(invitationTokenParts, token);
  return parts && { projectId: parts[0], id: parts[1], secret: parts[2] };
};

export const formatToken = (...parts: readonly string[]): string => parts.join('.');

interface Deps {
  readonly now: Clock;
  readonly newId: NewId;
  readonly randomBytes: RandomBytes;
}

const storedRegistrationToken = z.object({
  id: registrationTokenId,
  tags: z.array(tag),
});

/** What a registration token allows. */
export interface Registration {
  readonly pool: Pool;
  readonly tags: string[];
}

export type RegistrationTokenStore = ReturnType<typeof registrationTokenStore>;

/** Tokens with which machines register themselves as runners, as often as each allows. */
export const registrationTokenStore = (table: Table, { now, newId, randomBytes }: Deps) => ({
  create: async (pool: Pool, input: RegistrationTokenInput, maker: Maker) => {
    const id: RegistrationTokenId = newId('reg');
    const secret = makeSecret(randomBytes);
    const expiresAtInstant = addMs(now(), input.expiresInMs);
    await recordsOf(table, storedRegistrationToken).put(
      {
        ...keys.resource(pool, id),
        id,
        tags: input.tags,
        usesLeft: input.uses,
        createdAt: now(),
        ...toStore(maker),
        hash: hashSecret(secret),
        validUntil: expiresAtInstant,
        expiresAt: Math.ceil(epochMs(expiresAtInstant) / 1000),
      },
      [['missing', 'pk']],
    );
    const { tags, uses } = input;
    return {
      id,
      token: formatToken(pool, id, secret),
      tags,
      usesLeft: uses,
      createdAt: now(),
      expiresAt: expiresAtInstant,
    };
  },

  /** Those that are still good, oldest first. */
  list: async (pool: Pool): Promise<RegistrationTokenRecord[]> =>
    recordsOf(table, registrationTokenRecord).readAll(
      (
        await queryAll(table, {
          pk: pool,
          prefix: 'reg_',
          where: [
            ['>', 'usesLeft', 0],
            ['>', 'validUntil', now()],
          ],
        })
      ).map((item) => ({ ...item, expiresAt: item.validUntil })),
    ),

  /** Whether there was one to revoke. */
  revoke: (pool: Pool, id: string): Promise<boolean> =>
    table.remove(keys.resource(pool, id), [['exists', 'pk']]),

  /** Revokes those of a pool that were made on behalf of somebody. */
  revokeMadeBy: async (createdBy: string, pool: Pool): Promise<void> => {
    const theirs = await queryAll(table, {
      pk: pool,
      prefix: 'reg_',
      where: [['=', 'createdBy', createdBy]],
    });
    for (const { sk } of theirs) await table.remove(keys.resource(pool, String(sk)));
  },

  /**
   * Spends one use of a token: by one conditional write, so that of two machines with the last use one registers. Undefined when it is
   * unknown, over its time, or spent. The comparison of hashes by the database tells nothing of the secret by its time.
   */
  take: async (token: string): Promise<Registration | undefined> => {
    const parts = split(registrationTokenParts, token);
    if (!parts) return undefined;
    const [pool, id, secret] = parts;
    const item = await table.update(keys.resource(pool, id), { add: { usesLeft: -1 } }, [
      ['exists', 'pk'],
      ['=', 'hash', hashSecret(secret)],
      ['>', 'usesLeft', 0],
      ['>', 'validUntil', now()],
    ]);
    if (!item || !(await isMakerValid(table, item))) return undefined;
    return { pool, tags: recordsOf(table, storedRegistrationToken).read(item).tags };
  },

  /** Gives back the use of a token, for a registration that could not be made. */
  giveBack: async (token: string): Promise<void> => {
    const parts = split(registrationTokenParts, token);
    if (!parts) return;
    const [pool, id, secret] = parts;
    await table.update(keys.resource(pool, id), { add: { usesLeft: 1 } }, [
      ['=', 'hash', hashSecret(secret)],
    ]);
  },
});
