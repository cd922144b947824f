/** Strings that look like public keys but are not valid for a runner. */
import { generateKeyPairSync } from 'node:crypto';
import { makeKeyPair } from '../../adapters/secrets/payload-encryption.ts';

/** Bytes before the 32 bytes of an X25519 key in DER (RFC 8410, section 4). */
const x25519Header = '302a300506032b656e032100';

const pemOf = (hex: string): string => {
  const der = Buffer.from(x25519Header + hex, 'hex').toString('base64');
  return `-----BEGIN PUBLIC KEY-----\n${der}\n-----END PUBLIC KEY-----\n`;
};

const spki = { type: 'spki', format: 'pem' } as const;

/** Points with which every shared secret is zero: https://cr.yp.to/ecdh.html#validate. */
const lowOrder = {
  zero: '00'.repeat(32),
  one: `01${'00'.repeat(31)}`,
  'of order eight': 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  'of order eight, the other': '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'p - 1': `ec${'ff'.repeat(30)}7f`,
  p: `ed${'ff'.repeat(30)}7f`,
  'p + 1': `ee${'ff'.repeat(30)}7f`,
};

export const badPublicKeys: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(lowOrder).map(([name, hex]) => [`the point ${name}`, pemOf(hex)])),
  'a key that signs': generateKeyPairSync('ed25519').publicKey.export(spki).toString(),
  'a key of another curve': generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .publicKey.export(spki)
    .toString(),
  'a key that is too short': pemOf('00'.repeat(31)),
  'a key with something behind it': `${makeKeyPair().publicKey}more`,
};
