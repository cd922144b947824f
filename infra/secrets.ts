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

export interface SecretsKeyProps {
  readonly removalPolicy: RemovalPolicy;
  /** Of one that is there. Its policy must leave it to IAM who may use it, as that of a key which a stack has made does. */
  readonly adopt?: string | undefined;
}

/** Makes the key, which costs 1 USD a month, or takes the one that is there; and the grants for those who read secrets and those who also write them. */
export const makeSecretsKey = (scope: Construct, { removalPolicy, adopt }: SecretsKeyProps) => {
  const makeKey = () =>
    new Key(scope, 'SecretsKey', {
      description: 'Reveille: wraps the data keys of secrets',
      // KMS charges for each version that its own rotation keeps; `rotate-secrets` renews what encrypts.
      enableKeyRotation: false,
      // Without it, nothing of the secrets in the table could ever be read again: it stays as long as the table does.
      removalPolicy,
    });
  const key = adopt === undefined ? makeKey() : Key.fromKeyArn(scope, 'SecretsKey', adopt);
  const grant = (...actions: string[]): Grant => ({
    environment: { SECRETS_KEY_ARN: key.keyArn },
    statements: [allow(actions, [key.keyArn], forOneProject)],
  });
  return { open: grant('kms:Decrypt'), openAndSeal: grant('kms:Decrypt', 'kms:GenerateDataKey') };
};
