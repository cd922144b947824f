/** Counts attempts per time window and rejects too many, against guessing of passwords and tokens. */
import { createHash } from 'node:crypto';
import { type Clock, epochMs } from '../../../protocol/index.ts';
import { keys, type Table } from '../table.ts';

export interface AttemptLimit {
  /** Name of the limit: part of the key, so that each limit has its own count. */
  readonly name: string;
  readonly max: number;
  readonly windowMs: number;
}

const quarterMs = 900_000;

/** Wrong passwords for one account, from any address. */
export const loginByAccount: AttemptLimit = { name: 'login-account', max: 10, windowMs: quarterMs };
/** Wrong passwords from one address, for any account. */
export const loginBySource: AttemptLimit = { name: 'login-source', max: 50, windowMs: quarterMs };
/** Rejected registration tokens from one address. */
export const registrationBySource: AttemptLimit = { name: 'register-source', max: 30, windowMs: quarterMs };
/** Rejected enrolments from one address. */
export const enrolmentBySource: AttemptLimit = { name: 'enrolment-source', max: 30, windowMs: quarterMs };
/** Rejected invitations from one address. */
export const invitationBySource: AttemptLimit = { name: 'invitation-source', max: 30, windowMs: quarterMs };

/** Recorded uses of an integration's key to verify signatures. */
export const signatureChecks: AttemptLimit = { name: 'signature-checks', max: 1, windowMs: quarterMs };

/** Requests to wrong secret URLs of integrations from one address. */
export const eventsBySource: AttemptLimit = { name: 'integration-source', max: 60, windowMs: quarterMs };
/** Requests to one integration: each may start a machine. */
export const eventsByIntegration: AttemptLimit = { name: 'integration', max: 120, windowMs: 60_000 };

export type AttemptStore = ReturnType<typeof attemptStore>;

export const attemptStore = (table: Table, now: Clock) => {
  const windowOf = ({ windowMs }: AttemptLimit) => Math.floor(epochMs(now()) / windowMs);
  const endOf = (limit: AttemptLimit) => (windowOf(limit) + 1) * limit.windowMs;
  // Hashed: no key contains an e-mail address or any text that a caller sent.
  const keyOf = (limit: AttemptLimit, who: string) =>
    keys.attempts(
      `${limit.name}#${createHash('sha256').update(who).digest('base64url')}`,
      String(windowOf(limit)),
    );
  const take = async (limit: AttemptLimit, who: string): Promise<boolean> => {
    const expiresAt = Math.ceil(endOf(limit) / 1000);
    const counted = await table.update(keyOf(limit, who), { add: { count: 1 }, set: { expiresAt } }, [
      ['any', ['missing', 'count'], ['<', 'count', limit.max]],
    ]);
    return counted !== undefined;
  };
  return {
    /** Counts an attempt before it is made. The write is conditional: of many at once at most `max` pass. */
    take,

    /** True for the first call in the window, for events that are recorded once per window. */
    isFirst: (limit: AttemptLimit, who: string): Promise<boolean> =>
      take({ ...limit, name: `${limit.name}-told`, max: 1 }, who),

    /** Uncounts a successful attempt. */
    giveBack: async (limit: AttemptLimit, who: string): Promise<void> => {
      await table.update(keyOf(limit, who), { add: { count: -1 } }, [['>', 'count', 0]]);
    },

    /** Whole seconds until the next window. */
    retryAfterSeconds: (limit: AttemptLimit): number =>
      Math.max(1, Math.ceil((endOf(limit) - epochMs(now())) / 1000)),
  };
};
