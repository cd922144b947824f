/** The signatures with which instances have enrolled: each is good once. */
import { createHash } from 'node:crypto';
import { epochMs, type Instant } from '../../../protocol/index.ts';
import { keys, type Table } from '../table.ts';

/** STS takes a signature for a quarter of an hour at most (AWS: Signature Version 4). */
const rememberSeconds = 3600;

export type SeenEnrolments = ReturnType<typeof seenEnrolments>;

export const seenEnrolments = (table: Table) => ({
  /** Whether it has not been used before; from now on it has. */
  firstSight: (authorization: string, now: Instant): Promise<boolean> =>
    table.put(
      {
        ...keys.seenEnrolment(createHash('sha256').update(authorization).digest('base64url')),
        expiresAt: Math.ceil(epochMs(now) / 1000) + rememberSeconds,
      },
      [['missing', 'pk']],
    ),
});
