/** The runner's X25519 key: created and kept here, and used to open the JWEs addressed to the runner. */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { compactDecrypt } from 'jose';
import { ConfigError } from '../errors.ts';

/** Reads a PKCS #8 PEM. Throws ConfigError when it is not an X25519 private key. */
export const readPrivateKey = (pem: string): KeyObject => {
  const wrong = 'The private key must be an X25519 key in PEM (PKCS #8), as the registration made it';
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'x25519') return key;
  } catch (error) {
    throw new ConfigError(wrong, { cause: error });
  }
  throw new ConfigError(wrong);
};

/** Creates a key pair, both halves as PEM. */
export const makeKeyPair = () =>
  generateKeyPairSync('x25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

/** Returns the plain text of a compact JWE. Rejects when it was not made for this key. */
export const decrypt = async (jwe: string, key: KeyObject): Promise<string> => {
  const { plaintext } = await compactDecrypt(jwe, key, {
    keyManagementAlgorithms: ['ECDH-ES'],
    contentEncryptionAlgorithms: ['A256GCM'],
  });
  return new TextDecoder().decode(plaintext);
};
