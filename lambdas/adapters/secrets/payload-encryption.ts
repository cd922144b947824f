/** Encryption to a runner's public key, as JWE (RFC 7516, ECDH-ES with X25519 by RFC 8037), and key pairs. */
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { CompactEncrypt, importSPKI } from 'jose';

const algorithm = 'ECDH-ES';

/** Encrypts text so that only the holder of the private key can read it. */
export const seal = async (plainText: string, publicKeyPem: string): Promise<string> =>
  new CompactEncrypt(new TextEncoder().encode(plainText))
    .setProtectedHeader({ alg: algorithm, enc: 'A256GCM' })
    .encrypt(await importSPKI(publicKeyPem, algorithm));

/** Makes an X25519 key pair: SPKI and PKCS #8 in PEM. */
export const makeKeyPair = (): { publicKey: string; privateKey: string } =>
  generateKeyPairSync('x25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

/**
 * True for an X25519 public key in PEM that can be used. For some points the shared secret is zero, which no
 * implementation accepts (RFC 7748, section 6.1).
 */
export const isPublicKey = async (pem: string): Promise<boolean> => {
  try {
    if (createPublicKey(pem).asymmetricKeyType !== 'x25519') return false;
    await seal('', pem);
    return true;
  } catch {
    return false;
  }
};
