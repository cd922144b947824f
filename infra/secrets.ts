/** The key of all secrets at rest: one for the stack, and one condition that keeps projects apart. */
import { Key } from 'aws-cdk-lib/aws-kms';
import type { RemovalPolicy } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { allow, type Grant } from './grants.ts';

/** What each use must say: for which project, and nothing else. KMS refuses a data key that was made for another one. */
const forOneProject = {
  'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': ['projectId'] },
  'ForAnyValue:StringEquals': { 'kms:EncryptionContextKeys': ['projectId'] },
};

/** Makes the key, which costs 1 USD a month, and the grants for those who read secrets and those who also write them. */
export const makeSecretsKey = (scope: Construct, removalPolicy: RemovalPolicy) => {
  const key = new Key(scope, 'SecretsKey', {
    description: 'Reveille: wraps the data keys of secrets',
    // KMS charges for each version that its own rotation keeps; `rotate-secrets` renews what encrypts.
    enableKeyRotation: false,
    // Without it, nothing of the secrets in the table could ever be read again: it stays as long as the table does.
    removalPolicy,
  });
  const grant = (...actions: string[]): Grant => ({
    environment: { SECRETS_KEY_ARN: key.keyArn },
    statements: [allow(actions, [key.keyArn], forOneProject)],
  });
  return { open: grant('kms:Decrypt'), openAndSeal: grant('kms:Decrypt', 'kms:GenerateDataKey') };
};
