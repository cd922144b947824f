/** Principals of AWS calls: a key for each role of the template, and temporary keys from AssumeRole. */
import { randomBytes } from 'node:crypto';
import type { IdentityPolicy } from '../iam/policy.ts';
import type { RoleSpec } from '../template/stack-spec.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

export interface Principal {
  /** Function with the role, or the role's session name (a runner's id). */
  readonly name: string;
  readonly arn: string;
  readonly role: RoleSpec;
  /** Policy from AssumeRole that narrows the role's policies. */
  readonly sessionPolicy?: IdentityPolicy;
}

export interface Key {
  readonly credentials: Credentials;
  readonly principal: Principal;
  /** Expiry in epoch milliseconds; absent for a function's key, which lasts as long as the stack runs. */
  readonly expiresAtMs?: number;
}

export interface Principals {
  /** Issues a key, and deletes keys that expired over an hour ago. */
  issue(principal: Principal, expiresAtMs?: number): Credentials;
  find(accessKeyId: string): Key | undefined;
}

const forgetAfterMs = 3_600_000;

/** Makes keys in AWS's form: `ASIA` marks a temporary one, which needs its session token. */
const makeCredentials = (): Credentials => ({
  accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
  secretAccessKey: randomBytes(30).toString('base64'),
  sessionToken: randomBytes(96).toString('base64'),
});

export const makePrincipals = (nowMs: () => number): Principals => {
  const keys = new Map<string, Key>();
  return {
    issue: (principal, expiresAtMs) => {
      const credentials = makeCredentials();
      for (const [id, key] of keys) {
        if (key.expiresAtMs !== undefined && key.expiresAtMs + forgetAfterMs < nowMs()) keys.delete(id);
      }
      keys.set(credentials.accessKeyId, {
        credentials,
        principal,
        expiresAtMs,
      });
      return credentials;
    },
    find: (accessKeyId) => keys.get(accessKeyId),
  };
};
