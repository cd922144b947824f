/**
 * Parts of tokens, and the tokens of machines that register. A token is `{id}.{secret}` or
 * `{pool}.{id}.{secret}`. Only the SHA-256 of the secret (256 random bits) is stored: no salt and no slow
 * hash are needed where guessing is hopeless.
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

/** Splits a runner's token; undefined when it isn't one. Its runner's `tokenHash` proves the secret. */
export const parseRunnerToken = (token: string) => {
  const parts = split(runnerTokenParts, token);
  return parts && { pool: parts[0], runnerId: parts[1], secret: parts[2] };
};

/** Splits an API token; undefined when it isn't one. */
export const splitApiToken = (token: string) => {
  const parts = split(apiTokenParts, token);
  return parts && { id: parts[0], secret: parts[1] };
};

/** Splits an invitation's token; undefined when it isn't one. */
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

/** Rights of a registration token. */
export interface Registration {
  readonly pool: Pool;
  readonly tags: string[];
}

export type RegistrationTokenStore = ReturnType<typeof registrationTokenStore>;

/** Tokens with which machines register as runners, each with a maximum of uses. */
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

  /** Lists valid tokens, oldest first. */
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

  /** Revokes a token. False when there is none. */
  revoke: (pool: Pool, id: string): Promise<boolean> =>
    table.remove(keys.resource(pool, id), [['exists', 'pk']]),

  /** Revokes a maker's tokens of a pool. */
  revokeMadeBy: async (createdBy: string, pool: Pool): Promise<void> => {
    const theirs = await queryAll(table, {
      pk: pool,
      prefix: 'reg_',
      where: [['=', 'createdBy', createdBy]],
    });
    for (const { sk } of theirs) await table.remove(keys.resource(pool, String(sk)));
  },

  /**
   * Uses a token once. One conditional write: of two machines with the last use one registers. Undefined when
   * the token is unknown, expired or used up. The database compares hashes, so its timing shows nothing of
   * the secret.
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

  /** Gives back a use after a failed registration. */
  giveBack: async (token: string): Promise<void> => {
    const parts = split(registrationTokenParts, token);
    if (!parts) return;
    const [pool, id, secret] = parts;
    await table.update(keys.resource(pool, id), { add: { usesLeft: 1 } }, [
      ['=', 'hash', hashSecret(secret)],
    ]);
  },
});
