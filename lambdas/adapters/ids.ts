/** New ids: a prefix and a ULID, which sorts by creation time. */
import { createHash } from 'node:crypto';
import { ulid } from 'ulid';
import { epochMs, type Instant, type TaskId, taskId } from '../../protocol/index.ts';

/** Makes an id; `at` is the time in it, by default now. */
export type NewId = <P extends string>(prefix: P, at?: Instant) => `${P}_${string}`;

export const newId: NewId = (prefix, at) => `${prefix}_${ulid(at === undefined ? undefined : epochMs(at))}`;

/** Limits a ULID's time: it has 48 bits, and its library takes 0 for the present. */
const bounded = (ms: number): number => Math.min(Math.max(1, ms), 2 ** 48 - 1);

/** Returns the bounds of all ids made in a time window. */
export const idsBetween = <P extends string>(prefix: P, from: Instant, to: Instant) => {
  const time = (at: Instant) => ulid(bounded(epochMs(at))).slice(0, 10);
  return {
    from: `${prefix}_${time(from)}${'0'.repeat(16)}`,
    to: `${prefix}_${time(to)}${'Z'.repeat(16)}`,
  } as const;
};

/** Crockford's Base32, as in ULIDs. */
const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Makes an id from its cause, so that the same cause twice makes one item. `at` is the time in it. */
export const idFrom = <P extends string>(prefix: P, at: Instant, cause: string): `${P}_${string}` => {
  const hash = createHash('sha256').update(cause).digest();
  const random = [...hash.subarray(0, 16)].map((byte) => digits[byte % digits.length]).join('');
  return `${prefix}_${ulid(bounded(epochMs(at))).slice(0, 10)}${random}`;
};

export const taskIdFrom = (at: Instant, cause: string): TaskId => taskId.parse(idFrom('tsk', at, cause));
