/** Refuses callers that try too often. */
import type { Context } from 'hono';
import { type AttemptLimit, type AttemptStore, loginByAccount } from '../adapters/people/rate-limits.ts';
import type { ApiDeps } from './deps.ts';
import { recordRefusal } from './record-refusal.ts';
import { refuse } from './refuse.ts';

export type Attempt = readonly [limit: AttemptLimit, who: string];

/**
 * Returns the first exhausted limit, recorded once a window. Otherwise counts the attempt, returns undefined.
 */
export const countAttempts = async (
  deps: Pick<ApiDeps, 'attempts' | 'audit' | 'sourceOf' | 'users'>,
  c: Context,
  all: readonly Attempt[],
): Promise<AttemptLimit | undefined> => {
  for (const [limit, who] of all) {
    if (await deps.attempts.take(limit, who)) continue;
    if (await deps.attempts.isFirst(limit, who)) {
      const locked = limit === loginByAccount ? await deps.users.findByEmail(who) : undefined;
      await recordRefusal(deps, c, 'lockOut', locked);
    }
    return limit;
  }
  return undefined;
};

export const forgetAttempts = async (attempts: AttemptStore, all: readonly Attempt[]): Promise<void> => {
  await Promise.all(all.map(([limit, who]) => attempts.giveBack(limit, who)));
};

export const refuseTooMany = (c: Context, attempts: AttemptStore, limit: AttemptLimit) => {
  const seconds = attempts.retryAfterSeconds(limit);
  c.header('retry-after', String(seconds));
  return refuse(c, 'too_many_attempts', `Too many attempts. Try again in ${Math.ceil(seconds / 60)} min.`);
};
