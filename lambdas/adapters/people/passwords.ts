/**
 * Passwords, hashed by scrypt. The parameters are stored with each hash, so that they can be raised later.
 */
import { type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import type { RandomBytes } from '../runners/registration-tokens.ts';

/**
 * Parameters of scrypt (RFC 7914). N is 2 to the power of `logN`; a hash takes 128 · N · r bytes of memory.
 */
export interface Cost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/**
 * 32 MiB and three rounds: one of the equivalent choices of OWASP's Password Storage Cheat Sheet. It leaves
 * room in a function of 512 MiB.
 */
export const defaultCost: Cost = { logN: 15, r: 8, p: 3 };

const saltBytes = 16;
const hashBytes = 32;

const parameter = z.coerce.number<string>().int().min(1).max(20);
const stored = z.tuple([z.literal('scrypt'), parameter, parameter, parameter, z.base64url(), z.base64url()]);

const derive = (password: string, salt: Buffer, { logN, r, p }: Cost): Promise<Buffer> => {
  const N = 2 ** logN;
  // A little above the need: Node rejects the exact amount.
  const options: ScryptOptions = { N, r, p, maxmem: 128 * r * (N + p + 64) };
  return new Promise((resolve, reject) => {
    // The same characters from another keyboard are the same password.
    scrypt(password.normalize('NFKC'), salt, hashBytes, options, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
};

export type Passwords = ReturnType<typeof passwords>;

export const passwords = (randomBytes: RandomBytes, cost: Cost = defaultCost) => ({
  hash: async (password: string): Promise<string> => {
    const salt = randomBytes(saltBytes);
    const key = await derive(password, salt, cost);
    const { logN, r, p } = cost;
    return ['scrypt', logN, r, p, salt.toString('base64url'), key.toString('base64url')].join('$');
  },

  /** Takes the same time without a hash, so that the time doesn't show whether an account exists. */
  verify: async (password: string, hash: string | undefined): Promise<boolean> => {
    if (hash === undefined) {
      await derive(password, randomBytes(saltBytes), cost);
      return false;
    }
    const [, logN, r, p, salt, key] = stored.parse(hash.split('$'));
    const given = await derive(password, Buffer.from(salt, 'base64url'), { logN, r, p });
    const expected = Buffer.from(key, 'base64url');
    return given.length === expected.length && timingSafeEqual(given, expected);
  },
});
