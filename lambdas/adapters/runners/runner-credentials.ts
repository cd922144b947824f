/** Short-lived AWS credentials of an agent: the runner role, limited to that runner's queues. */
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import * as z from 'zod';
import { toInstant } from '../../../protocol/index.ts';
import { sessionLifetimeMs } from './agent-tokens.ts';

const credentials = z.object({
  AccessKeyId: z.string(),
  SecretAccessKey: z.string(),
  SessionToken: z.string(),
  Expiration: z.date(),
});

export interface VendedCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiresAt: string;
}

/**
 * Session policy that limits the runner role to these queues. Its maximum is 2,048 characters (AWS:
 * AssumeRole, Policy), so it leaves region and account open. Both policies must allow a call, and the role's
 * names its own.
 */
export const sessionPolicy = (queueArnPrefix: string, queues: readonly string[]): string => {
  const [arn, partition, service, , , prefix] = queueArnPrefix.split(':');
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility'],
        Resource: queues.map((queue) => `${arn}:${partition}:${service}:*:*:${prefix}${queue}`),
      },
    ],
  });
};

/** Vends credentials. `queues` are names of task queues. */
export type VendCredentials = (runnerId: string, queues: readonly string[]) => Promise<VendedCredentials>;

export const stsCredentials =
  (roleArn: string, queueArnPrefix: string, client = new STSClient()): VendCredentials =>
  async (runnerId, queues) => {
    const answer = await client.send(
      new AssumeRoleCommand({
        RoleArn: roleArn,
        RoleSessionName: runnerId,
        DurationSeconds: sessionLifetimeMs / 1000,
        Policy: sessionPolicy(queueArnPrefix, queues),
      }),
    );
    const made = credentials.parse(answer.Credentials);
    return {
      accessKeyId: made.AccessKeyId,
      secretAccessKey: made.SecretAccessKey,
      sessionToken: made.SessionToken,
      expiresAt: toInstant(made.Expiration.getTime()),
    };
  };
