/** Signed claims of the control plane, with a kind and an end: a check costs no read. */
import { type JWTHeaderParameters, jwtVerify, SignJWT } from 'jose';
import type * as z from 'zod';
import { type Clock, epochMs, type Instant, toInstant } from '../../../protocol/index.ts';

/** Result of a check. `expired`: the signature is valid but the time is over. */
export type Verified<T> = { ok: true; claims: T } | { ok: false; code: 'invalid' | 'expired' };

export interface SigningKey {
  /** `kid` in the header of its tokens. */
  readonly id: string;
  readonly key: Uint8Array;
  /** Start of signing; before it the key only verifies. */
  readonly signsFrom: Instant;
}
/** Returns the keys, oldest first, at least one. */
export type SigningKeys = () => Promise<readonly SigningKey[]>;

/** Id of the key for tokens without `kid`. */
export const firstKeyId = 'first';

/** Key that is never rotated. */
export const oneSigningKey =
  (key: Uint8Array): SigningKeys =>
  async () => [{ id: firstKeyId, key, signsFrom: toInstant(0) }];

const algorithm = 'HS256';

export type SignedTokens = ReturnType<typeof signedTokens>;

/** A token of one kind is never valid as another: the kind is in the signed header. */
export const signedTokens = (signingKeys: SigningKeys, now: Clock) => ({
  sign: async (kind: string, claims: Record<string, unknown>, expiresAt: Instant): Promise<string> => {
    const all = await signingKeys();
    const signer = all.findLast(({ signsFrom }) => signsFrom <= now()) ?? all[0];
    if (!signer) throw new Error('There is no key to sign with.');
    return new SignJWT(claims)
      .setProtectedHeader({ alg: algorithm, typ: kind, kid: signer.id })
      .setExpirationTime(new Date(epochMs(expiresAt)))
      .sign(signer.key);
  },

  verify: async <T extends z.ZodType>(
    kind: string,
    schema: T,
    token: string,
  ): Promise<Verified<z.infer<T>>> => {
    const all = await signingKeys();
    const keyOf = ({ kid = firstKeyId }: JWTHeaderParameters) => {
      const found = all.find(({ id }) => id === kid);
      if (!found) throw new Error('No key of ours has that id.');
      return found.key;
    };
    try {
      const { payload } = await jwtVerify(token, keyOf, {
        algorithms: [algorithm],
        typ: kind,
        currentDate: new Date(epochMs(now())),
      });
      const claims = schema.safeParse(payload);
      return claims.success ? { ok: true, claims: claims.data } : { ok: false, code: 'invalid' };
    } catch (error) {
      const expired = error instanceof Error && 'code' in error && error.code === 'ERR_JWT_EXPIRED';
      return { ok: false, code: expired ? 'expired' : 'invalid' };
    }
  },
});
