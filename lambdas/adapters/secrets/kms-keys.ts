/** Makes and unwraps data keys by KMS. */
import { DecryptCommand, GenerateDataKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import type { KeyService, SecretScope } from './data-keys.ts';

/** Encryption context, the same for wrapping and unwrapping; not secret, as CloudTrail shows it. */
const contextOf = (scope: SecretScope) => ({ projectId: scope });

export const kmsKeyService = (keyArn: string, client = new KMSClient()): KeyService => ({
  make: async (scope) => {
    const made = await client.send(
      new GenerateDataKeyCommand({ KeyId: keyArn, KeySpec: 'AES_256', EncryptionContext: contextOf(scope) }),
    );
    if (!made.Plaintext || !made.CiphertextBlob) throw new Error('KMS has made no key.');
    return {
      key: made.Plaintext,
      wrapped: Buffer.from(made.CiphertextBlob).toString('base64'),
      wrappedBy: made.KeyId ?? keyArn,
    };
  },

  unwrap: async (scope, wrapped, wrappedBy) => {
    const { Plaintext } = await client.send(
      new DecryptCommand({
        KeyId: wrappedBy,
        CiphertextBlob: Buffer.from(wrapped, 'base64'),
        EncryptionContext: contextOf(scope),
      }),
    );
    if (!Plaintext) throw new Error('KMS has unwrapped nothing.');
    return Plaintext;
  },
});
