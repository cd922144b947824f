import { describe, expect, it } from 'vitest';
import { badPublicKeys } from '../../api/testing/bad-keys.ts';
import { isPublicKey, makeKeyPair } from './payload-encryption.ts';

describe('a public key', () => {
  it('is accepted when it can encrypt', async () => {
    expect(await isPublicKey(makeKeyPair().publicKey)).toBe(true);
  });

  it.each(Object.entries(badPublicKeys))('is rejected: %s', async (_name, pem) => {
    expect(await isPublicKey(pem)).toBe(false);
  });
});
