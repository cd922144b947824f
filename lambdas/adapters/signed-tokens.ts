/** Signed claims of the control plane, of a kind and with an end: checking one costs no read. */
import { jwtVerify, SignJWT } from 'jose';
import type * as z from 'zod';
import { type Clock, epochMs, type Instant } from '../../protocol/index.ts';

/** `expired` when the signature is good but the time is over. */
export type Verified<T> = { ok: true; claims: T } | { ok: false; code: 'invalid' | 'expired' };

export type SigningKey = () => Promise<Uint8Array>;

const algorithm = 'HS256';

export type SignedTokens = ReturnType<typeof signedTokens>;

/** A token of one kind is never one of another: the kind is in the signed header. */
export const signedTokens = (signingKey: SigningKey, now: Clock) => ({
  sign: async (kind: string, claims: Record<string, unknown>, expiresAt: Instant): Promise<string> =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: algorithm, typ: kind })
      .setExpirationTime(new Date(epochMs(expiresAt)))
      .sign(await signingKey()),

  verify: async <T extends z.ZodType>(
    kind: string,
    schema: T,
    token: string,
  ): Promise<Verified<z.infer<T>>> => {
    try {
      const { payload } = await jwtVerify(token, await signingKey(), {
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
