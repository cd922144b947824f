/** Signed tokens of agents: answers, sessions and leases. The signature makes a check cost no read. */
import * as z from 'zod';
import {
  addMs,
  type Clock,
  type Instant,
  projectId,
  type RunnerId,
  runnerId,
  taskId,
} from '../../../protocol/index.ts';
import { type SigningKeys, signedTokens } from '../secrets/signed-tokens.ts';
import type { Pool } from '../table.ts';

/** Time for an agent to answer a challenge. */
const answerLifetimeMs = 60_000;
/** Lifetime of the AWS credentials that come with it: the minimum of STS (AWS: AssumeRole). */
export const sessionLifetimeMs = 900_000;

const poolSchema = z.union([projectId, z.literal('global')]);
const agentClaims = z.object({
  pool: poolSchema,
  runnerId,
  agentId: z.string().optional(),
  credentialVersion: z.int().optional(),
});
const leaseClaims = agentClaims.extend({ projectId, taskId, attempt: z.int() });

export interface AgentIdentity {
  readonly pool: Pool;
  readonly runnerId: RunnerId;
  /** Agent that opened the session. */
  readonly agentId?: string;
  /** Version of the runner's credentials when the session began; absent when they were never revoked. */
  readonly credentialVersion?: number;
}
export type Lease = z.infer<typeof leaseClaims>;

export type AgentTokens = ReturnType<typeof agentTokens>;

export const agentTokens = (signingKeys: SigningKeys, now: Clock) => {
  const { sign, verify } = signedTokens(signingKeys, now);
  return {
    signAnswer: (identity: AgentIdentity) => sign('answer', { ...identity }, addMs(now(), answerLifetimeMs)),
    verifyAnswer: (token: string) => verify('answer', agentClaims, token),
    signSession: (identity: AgentIdentity, expiresAt: Instant) => sign('session', { ...identity }, expiresAt),
    verifySession: (token: string) => verify('session', agentClaims, token),
    /**
     * A JWT has whole seconds: the lease in the token ends up to a second before the stored one, never after.
     */
    signLease: (lease: Lease, leaseUntil: Instant) => sign('lease', lease, leaseUntil),
    verifyLease: (token: string) => verify('lease', leaseClaims, token),
  };
};
