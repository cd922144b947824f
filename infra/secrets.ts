/** The key of all secrets at rest: one for the stack, and one condition that keeps projects apart. */
import { Key } from 'aws-cdk-lib/aws-kms';
import type { RemovalPolicy } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { allow, type Grant } from './grants.ts';

/** Condition on each use: one project, and nothing else. KMS rejects a data key of another project. */
const forOneProject = {
  'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': ['projectId'] },
  'ForAnyValue:StringEquals': { 'kms:EncryptionContextKeys': ['projectId'] },
};

export interface SecretsKeyProps {
  readonly removalPolicy: RemovalPolicy;
  /**
   * ARN of an existing key. Its policy must leave permissions to IAM, as that of a key made by a stack does.
   */
  readonly adopt?: string;
}

/**
 * Makes the key, which costs 1 USD a month, or adopts an existing one; and the grants to read and to write
 * secrets.
 */
export const makeSecretsKey = (scope: Construct, { removalPolicy, adopt }: SecretsKeyProps) => {
  const makeKey = () =>
    new Key(scope, 'SecretsKey', {
      description: 'Reveille: wraps the data keys of secrets',
      // KMS charges for each version that its own rotation keeps; `rotate-secrets` renews the data keys.
      enableKeyRotation: false,
      // Without the key, the secrets in the table are lost for ever: it stays as long as the table does.
      removalPolicy,
    });
  const key = adopt === undefined ? makeKey() : Key.fromKeyArn(scope, 'SecretsKey', adopt);
  const grant = (...actions: string[]): Grant => ({
    environment: { SECRETS_KEY_ARN: key.keyArn },
    statements: [allow(actions, [key.keyArn], forOneProject)],
  });
  return { open: grant('kms:Decrypt'), openAndSeal: grant('kms:Decrypt', 'kms:GenerateDataKey') };
};
