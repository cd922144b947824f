/** Store of closed instance sessions. The open one is on its runner. */
import * as z from 'zod';
import {
  addMs,
  type Instant,
  instanceSession,
  msBetween,
  type RunnerId,
  type SessionId,
  sessionId,
} from '../../../protocol/index.ts';
import type { SessionFacts } from '../../core/costs/cost.ts';
import { idsBetween } from '../ids.ts';
import { recordsOf } from '../records.ts';
import { type Key, keys, type Pool, queryAll, type Table } from '../table.ts';

const stored = instanceSession.pick({
  id: true,
  runnerId: true,
  projectId: true,
  instanceId: true,
  instanceType: true,
  market: true,
  region: true,
  startedAt: true,
  endedAt: true,
  onlineAt: true,
  busyMs: true,
  price: true,
});

export type SessionStore = ReturnType<typeof sessionStore>;

/** Sorts before every session's id. */
const leastId = 'ses_';

/** A longer session is also found by its end, as it may have begun any time before. */
const longMs = 86_400_000;
const longSession = z.object({ sessionId });

const lastIdAt = (at: Instant) => idsBetween('ses', at, at).to;

export const sessionStore = (table: Table) => ({
  /** Finds a runner's last session that started at or before a moment. */
  lastStartedBefore: async (
    pool: Pool,
    runnerId: RunnerId,
    at: Instant,
  ): Promise<SessionFacts | undefined> => {
    let after: Key | undefined;
    do {
      const page = await table.query({
        pk: pool,
        from: leastId,
        to: lastIdAt(at),
        where: [['=', 'runnerId', runnerId]],
        descending: true,
        after,
      });
      const [found] = recordsOf(table, stored).readAll(page.items);
      if (found) return found;
      after = page.next;
    } while (after);
    return undefined;
  },

  /** Stores a closed session; repeating it changes nothing. */
  put: async (facts: SessionFacts): Promise<void> => {
    const { id, startedAt, endedAt, projectId = 'global' } = facts;
    // Written first: a crash in between must not hide a long session. An entry without its session does no
    // harm.
    if (endedAt !== undefined && msBetween(startedAt, endedAt) > longMs)
      await recordsOf(table, longSession).put({ ...keys.longSession(projectId, endedAt, id), sessionId: id });
    await recordsOf(table, stored).put({ ...keys.resource(projectId, id), ...facts }, [['missing', 'pk']]);
  },

  /** Lists sessions of a pool that began by `to` and ended after `from`, however long ago they began. */
  listReaching: async (pool: Pool, from: Instant, to: Instant): Promise<SessionFacts[]> => {
    const ids = idsBetween('ses', addMs(from, -longMs), to);
    const [recent, ends] = await Promise.all([
      queryAll(table, { pk: pool, ...ids }),
      queryAll(table, { pk: pool, ...keys.longSessionsFrom(from) }),
    ]);
    const known = new Set(recent.map(({ sk }) => sk));
    const found = recordsOf(table, longSession).readAll(ends);
    const older = new Set(found.map(({ sessionId }) => sessionId).filter((id) => !known.has(id)));
    const long = await table.batchGet([...older].map((id) => keys.resource(pool, id)));
    return recordsOf(table, stored)
      .readAll([...long, ...recent])
      .filter(({ startedAt, endedAt }) => startedAt <= to && (endedAt === undefined || endedAt >= from));
  },

  /** Lists sessions of a pool with ids from `from` to `to`; the time in an id is the session's start. */
  listBetween: async (pool: Pool, from: SessionId, to: SessionId): Promise<SessionFacts[]> =>
    recordsOf(table, stored).readAll(await queryAll(table, { pk: pool, from, to })),
});
