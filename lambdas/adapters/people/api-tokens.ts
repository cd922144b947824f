/** API tokens: of people and of their programs, each with a name, one role in one project (or the stack's admin), and an end. */
import * as z from 'zod';
import {
  type ApiTokenId,
  addMs,
  apiTokenId,
  type Clock,
  epochMs,
  type Instant,
  instant,
  name,
  type ProjectId,
  projectId,
  role,
} from '../../../protocol/index.ts';
import type { Standing } from '../../core/people/permissions.ts';
import type { NewId } from '../ids.ts';
import { firstToken, isMakerValid, type Maker, storedMaker, toStore } from '../makers.ts';
import { recordsOf } from '../records.ts';
import {
  formatToken,
  hashSecret,
  makeSecret,
  matchesHash,
  type RandomBytes,
  splitApiToken,
} from '../runners/registration-tokens.ts';
import { keys, type Pool, queryAll, type Table } from '../table.ts';

const storedApiToken = z.object({
  id: apiTokenId,
  name,
  projectId: projectId.optional(),
  role: role.or(z.literal('admin')),
  hash: z.string(),
  createdAt: instant,
  validUntil: instant.optional(),
  ...storedMaker.shape,
});
type StoredApiToken = z.infer<typeof storedApiToken>;

/** What may be shown of a token. */
export type ApiTokenRecord = Omit<StoredApiToken, 'hash' | 'makerVersion'>;

/** Who calls the API. */
export interface Caller extends Standing {
  /** `tok_…` or `usr_…`. */
  readonly id: string;
  readonly name: string;
  /** Whose is what it makes: a person's own, and of a token that of who made it, so that what they leave behind can be found. */
  readonly onBehalfOf: Maker;
  /** After that it is nobody, whatever is remembered of it. */
  readonly validUntil?: Instant | undefined;
}

export interface NewApiToken {
  readonly name: string;
  /** Without a project: an admin's token. */
  readonly grant?: Required<Pick<StoredApiToken, 'projectId'>> & { readonly role: z.infer<typeof role> };
  /** Without it, the token is good until it is revoked. */
  readonly expiresInMs?: number | undefined;
  /** On whose behalf it is made. */
  readonly maker?: Maker;
}

interface Deps {
  readonly now: Clock;
  readonly newId: NewId;
  readonly randomBytes: RandomBytes;
}

const withoutHash = ({ hash: _hidden, makerVersion: _version, ...shown }: StoredApiToken): ApiTokenRecord =>
  shown;

const callerOf = ({
  id,
  name: tokenName,
  role: itsRole,
  projectId: its,
  createdBy,
  makerVersion,
  validUntil,
}: StoredApiToken): Caller => ({
  id,
  name: tokenName,
  onBehalfOf: { id: createdBy, credentialsVersion: makerVersion },
  isAdmin: itsRole === 'admin' && its === undefined,
  roles: its !== undefined && itsRole !== 'admin' ? { [its]: itsRole } : {},
  ...(validUntil !== undefined && { validUntil }),
});

export type ApiTokenStore = ReturnType<typeof apiTokenStore>;

export const apiTokenStore = (table: Table, { now, newId, randomBytes }: Deps) => {
  const records = recordsOf(table, storedApiToken);
  const all = async (): Promise<StoredApiToken[]> =>
    records.readAll(await queryAll(table, { pk: keys.apiToken('').pk, prefix: 'tok_' }));

  const remove = (id: string): Promise<boolean> => table.remove(keys.apiToken(id), [['exists', 'pk']]);

  return {
    /** Makes a token. Its secret is in the answer only; nobody can read it again. */
    create: async (input: NewApiToken): Promise<ApiTokenRecord & { token: string }> => {
      const { grant, expiresInMs, maker = firstToken } = input;
      const id: ApiTokenId = newId('tok');
      const secret = makeSecret(randomBytes);
      const validUntil = expiresInMs === undefined ? undefined : addMs(now(), expiresInMs);
      const stored: StoredApiToken = {
        id,
        name: input.name,
        role: 'admin',
        ...grant,
        hash: hashSecret(secret),
        createdAt: now(),
        ...toStore(maker),
        ...(validUntil !== undefined && { validUntil }),
      };
      const ttl = validUntil !== undefined && { expiresAt: Math.ceil(epochMs(validUntil) / 1000) };
      await records.put({ ...keys.apiToken(id), ...stored, ...ttl }, [['missing', 'pk']]);
      return { ...withoutHash(stored), token: formatToken(id, secret) };
    },

    /** Who holds this token; undefined when it is none of ours, or its time is over. */
    verify: async (token: string): Promise<Caller | undefined> => {
      const parts = splitApiToken(token);
      const item = parts && (await table.get(keys.apiToken(parts.id)));
      if (!item) return undefined;
      const stored = records.read(item);
      const isOver = stored.validUntil !== undefined && stored.validUntil <= now();
      if (isOver || !matchesHash(parts.secret, stored.hash)) return undefined;
      return (await isMakerValid(table, stored)) ? callerOf(stored) : undefined;
    },

    /** Those of a project, or without one the stack's; oldest first. */
    list: async (of: ProjectId | undefined): Promise<ApiTokenRecord[]> =>
      (await all()).filter((one) => one.projectId === of).map(withoutHash),

    /** Whether there was such a token to revoke, of that project (or, without one, of the stack). */
    revoke: async (of: ProjectId | undefined, id: string): Promise<boolean> =>
      table.remove(keys.apiToken(id), [
        ['exists', 'pk'],
        of === undefined ? ['missing', 'projectId'] : ['=', 'projectId', of],
      ]),

    /** Revokes those made on behalf of somebody, where `isOver` says so of their project (`global`: the stack). */
    revokeMadeBy: async (createdBy: string, isOver: (pool: Pool) => boolean): Promise<void> => {
      const theirs = (await all()).filter(
        (one) => one.createdBy === createdBy && isOver(one.projectId ?? 'global'),
      );
      for (const { id } of theirs) await remove(id);
    },

    /** Revokes all of a project that is no more. */
    revokeAll: async (of: ProjectId): Promise<void> => {
      for (const { id } of (await all()).filter((one) => one.projectId === of)) await remove(id);
    },
  };
};

/**
 * Remembers for a while who a token's holder is, so that most requests cost no read. A token that was revoked is good for
 * `rememberMs` more at most, so keep that well under a minute.
 */
export const rememberCallers = (
  verify: ApiTokenStore['verify'],
  now: Clock,
  rememberMs: number,
  maxRemembered = 1000,
): ApiTokenStore['verify'] => {
  const remembered = new Map<string, { caller: Caller; until: Instant }>();
  return async (token) => {
    const key = hashSecret(token);
    const known = remembered.get(key);
    const { validUntil } = known?.caller ?? {};
    if (known && known.until > now() && (validUntil === undefined || validUntil > now())) return known.caller;
    remembered.delete(key);
    const caller = await verify(token);
    if (!caller) return undefined;
    // The oldest goes first: a Map keeps the order in which its keys came.
    const [oldest] = remembered.keys();
    if (remembered.size >= maxRemembered && oldest !== undefined) remembered.delete(oldest);
    remembered.set(key, { caller, until: addMs(now(), rememberMs) });
    return caller;
  };
};
