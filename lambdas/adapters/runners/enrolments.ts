/** Signatures with which instances have enrolled: each is valid once. */
import { createHash } from 'node:crypto';
import { epochMs, type Instant } from '../../../protocol/index.ts';
import { keys, type Table } from '../table.ts';

/** STS accepts a signature for at most 15 minutes (AWS: Signature Version 4). */
const rememberSeconds = 3600;

export type SeenEnrolments = ReturnType<typeof seenEnrolments>;

export const seenEnrolments = (table: Table) => ({
  /** Records a signature. True the first time. */
  firstSight: (authorization: string, now: Instant): Promise<boolean> =>
    table.put(
      {
        ...keys.seenEnrolment(createHash('sha256').update(authorization).digest('base64url')),
        expiresAt: Math.ceil(epochMs(now) / 1000) + rememberSeconds,
      },
      [['missing', 'pk']],
    ),
});
