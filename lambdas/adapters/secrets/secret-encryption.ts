/**
 * Encrypts secrets for the table: AES-256-GCM under a project's data key, as compact JWE (RFC 7516, `dir`).
 */
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose';
import * as z from 'zod';
import { CannotOpen, type DataKeys, type SecretScope } from './data-keys.ts';

export interface Vault {
  /** Encrypts text for `place`, where it is kept; it opens at no other place. */
  seal(scope: SecretScope, place: string, plainText: string): Promise<string>;
  /** Decrypts text. Throws when it was sealed for another scope or place, or was changed. */
  open(scope: SecretScope, place: string, sealed: string): Promise<string>;
}

/** The header is authenticated with the content. `v` is the version of this format. */
const header = z.object({ v: z.literal(1), kid: z.string(), place: z.string() });

/** Returns the id of the data key under which it was sealed. */
export const dataKeyOf = (sealed: string): string => header.parse(decodeProtectedHeader(sealed)).kid;

const orCannotOpen = async <T>(place: string, read: () => Promise<T>): Promise<T> => {
  try {
    return await read();
  } catch (error) {
    throw new CannotOpen(`What is at ${place} was changed: ${String(error)}`, { cause: error });
  }
};

export const makeVault = (dataKeys: Pick<DataKeys, 'current' | 'get'>): Vault => ({
  seal: async (scope, place, plainText) => {
    const { id, key } = await dataKeys.current(scope);
    return new CompactEncrypt(new TextEncoder().encode(plainText))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', v: 1, kid: id, place })
      .encrypt(key);
  },

  open: async (scope, place, sealed) => {
    const { key } = await dataKeys.get(scope, await orCannotOpen(place, async () => dataKeyOf(sealed)));
    const { plaintext, protectedHeader } = await orCannotOpen(place, () =>
      compactDecrypt(sealed, key, {
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
      }),
    );
    if (header.safeParse(protectedHeader).data?.place !== place)
      throw new CannotOpen(`What is at ${place} belongs elsewhere.`);
    return new TextDecoder().decode(plaintext);
  },
});
