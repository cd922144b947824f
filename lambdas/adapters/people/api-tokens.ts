/**
 * API tokens of people and programs. Each has a name, an end, and one role in one project or the stack's
 * admin rights.
 */
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
  type Standing,
} from '../../../protocol/index.ts';
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

/** Public part of a token. */
export type ApiTokenRecord = Omit<StoredApiToken, 'hash' | 'makerVersion'>;

/** Caller of the API. */
export interface Caller extends Standing {
  /** `tok_…` or `usr_…`. */
  readonly id: string;
  readonly name: string;
  /**
   * Owner of the items that the caller makes: the person, or the maker of the token. Finds them when the
   * owner leaves.
   */
  readonly onBehalfOf: Maker;
  /** End of validity, even while the caller is remembered. */
  readonly validUntil?: Instant;
}

export interface NewApiToken {
  readonly name: string;
  /** Role in a project; without it the token is an admin's. */
  readonly grant?: Required<Pick<StoredApiToken, 'projectId'>> & { readonly role: z.infer<typeof role> };
  /** Lifetime; without it the token is valid until it is revoked. */
  readonly expiresInMs?: number;
  /** Maker of the token. */
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
  validUntil,
});

export type ApiTokenStore = ReturnType<typeof apiTokenStore>;

export const apiTokenStore = (table: Table, { now, newId, randomBytes }: Deps) => {
  const records = recordsOf(table, storedApiToken);
  const all = async (): Promise<StoredApiToken[]> =>
    records.readAll(await queryAll(table, { pk: keys.apiToken('').pk, prefix: 'tok_' }));

  const remove = (id: string): Promise<boolean> => table.remove(keys.apiToken(id), [['exists', 'pk']]);

  return {
    /** Makes a token. Only this answer has the secret; nobody can read it again. */
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
        validUntil,
      };
      const expiresAt = validUntil && Math.ceil(epochMs(validUntil) / 1000);
      await records.put({ ...keys.apiToken(id), ...stored, expiresAt }, [['missing', 'pk']]);
      return { ...withoutHash(stored), token: formatToken(id, secret) };
    },

    /** Returns the holder of a token; undefined when it is unknown or expired. */
    verify: async (token: string): Promise<Caller | undefined> => {
      const parts = splitApiToken(token);
      const item = parts && (await table.get(keys.apiToken(parts.id)));
      if (!item) return undefined;
      const stored = records.read(item);
      const isOver = stored.validUntil !== undefined && stored.validUntil <= now();
      if (isOver || !matchesHash(parts.secret, stored.hash)) return undefined;
      return (await isMakerValid(table, stored)) ? callerOf(stored) : undefined;
    },

    /** Lists the tokens of a project, or of the stack; oldest first. */
    list: async (of: ProjectId | undefined): Promise<ApiTokenRecord[]> =>
      (await all()).filter((one) => one.projectId === of).map(withoutHash),

    /** Revokes a token of the project, or of the stack. False when there is none. */
    revoke: async (of: ProjectId | undefined, id: string): Promise<boolean> =>
      table.remove(keys.apiToken(id), [
        ['exists', 'pk'],
        of === undefined ? ['missing', 'projectId'] : ['=', 'projectId', of],
      ]),

    /** Revokes a maker's tokens where `isOver` is true for their project (`global`: the stack). */
    revokeMadeBy: async (createdBy: string, isOver: (pool: Pool) => boolean): Promise<void> => {
      const theirs = (await all()).filter(
        (one) => one.createdBy === createdBy && isOver(one.projectId ?? 'global'),
      );
      for (const { id } of theirs) await remove(id);
    },

    /** Revokes all tokens of a removed project. */
    revokeAll: async (of: ProjectId): Promise<void> => {
      for (const { id } of (await all()).filter((one) => one.projectId === of)) await remove(id);
    },
  };
};

/**
 * Remembers the callers of tokens, so that most requests cost no read. A revoked token stays valid for up to
 * `rememberMs`, so keep that well under a minute. Not a `ttlCache`: it is bounded, since anybody may send
 * tokens, and it does not remember a refusal.
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
    // The oldest goes first: a Map keeps its keys in order of insertion.
    const [oldest] = remembered.keys();
    if (remembered.size >= maxRemembered && oldest !== undefined) remembered.delete(oldest);
    remembered.set(key, { caller, until: addMs(now(), rememberMs) });
    return caller;
  };
};
