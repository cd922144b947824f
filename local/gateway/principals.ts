/** Who may call AWS here: a key for each role of the template, and the temporary keys that AssumeRole makes of a role. */
import { randomBytes } from 'node:crypto';
import type { RoleSpec } from '../template/stack-spec.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

export interface Principal {
  /** The function that has the role, or the session name with which the role was assumed (a runner's id). */
  readonly name: string;
  readonly arn: string;
  readonly role: RoleSpec;
  /** Narrows the role's policies further; given with AssumeRole. */
  readonly sessionPolicy?: unknown;
}

export interface Key {
  readonly credentials: Credentials;
  readonly principal: Principal;
  /** Epoch milliseconds; absent for the key of a function, which lasts as long as the stack runs. */
  readonly expiresAtMs?: number;
}

export interface Principals {
  /** Makes a key; keys that have lapsed for an hour are forgotten. */
  issue(principal: Principal, expiresAtMs?: number): Credentials;
  find(accessKeyId: string): Key | undefined;
}

const forgetAfterMs = 3_600_000;

/** Keys in AWS's form: `ASIA` marks a temporary one, which needs its session token. */
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
        ...(expiresAtMs !== undefined && { expiresAtMs }),
      });
      return credentials;
    },
    find: (accessKeyId) => keys.get(accessKeyId),
  };
};
