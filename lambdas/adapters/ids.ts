/** New ids: a prefix and a ULID, which sorts by the time of its making. */
import { createHash } from 'node:crypto';
import { ulid } from 'ulid';
import { epochMs, type Instant, type TaskId, taskId } from '../../protocol/index.ts';

/** Makes an id; `at` sets the time in it, which is now unless told. */
export type NewId = <P extends string>(prefix: P, at?: Instant) => `${P}_${string}`;

export const newId: NewId = (prefix, at) => `${prefix}_${ulid(at === undefined ? undefined : epochMs(at))}`;

/** What a ULID's time can be: 48 bits, and its library takes 0 for the present. */
const bounded = (ms: number): number => Math.min(Math.max(1, ms), 2 ** 48 - 1);

/** The ids between which all made in a time window lie. */
export const idsBetween = <P extends string>(prefix: P, from: Instant, to: Instant) => {
  const time = (at: Instant) => ulid(bounded(epochMs(at))).slice(0, 10);
  return {
    from: `${prefix}_${time(from)}${'0'.repeat(16)}`,
    to: `${prefix}_${time(to)}${'Z'.repeat(16)}`,
  } as const;
};

/** Crockford's Base32, as in ULIDs. */
const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** An id that follows from its cause, so that the same cause twice makes one thing. `at` is the time in it. */
export const idFrom = <P extends string>(prefix: P, at: Instant, cause: string): `${P}_${string}` => {
  const hash = createHash('sha256').update(cause).digest();
  const random = [...hash.subarray(0, 16)].map((byte) => digits[byte % digits.length]).join('');
  return `${prefix}_${ulid(bounded(epochMs(at))).slice(0, 10)}${random}`;
};

export const taskIdFrom = (at: Instant, cause: string): TaskId => taskId.parse(idFrom('tsk', at, cause));
