/** The store of instance sessions that are over. The open one is on its runner. */
import * as z from 'zod';
import { type Instant, instanceSession, type RunnerId, type SessionId } from '../../protocol/index.ts';
import type { SessionFacts } from '../core/cost.ts';
import { idsBetween } from './ids.ts';
import { type Key, keys, type Pool, queryAll, type Table } from './table.ts';

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
});

export type SessionStore = ReturnType<typeof sessionStore>;

/** Sorts before every session's id. */
const leastId = 'ses_';
const lastIdAt = (at: Instant) => idsBetween('ses', at, at).to;

export const sessionStore = (table: Table) => ({
  /** A runner's last session that started at or before a moment. */
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
        ...(after && { after }),
      });
      if (page.items[0]) return stored.parse(page.items[0]);
      after = page.next;
    } while (after);
    return undefined;
  },

  /** Writes a session that is over; the same one again changes nothing. */
  put: async (facts: SessionFacts): Promise<void> => {
    await table.put({ ...keys.resource(facts.projectId ?? 'global', facts.id), ...facts }, [
      ['missing', 'pk'],
    ]);
  },

  /** Those of a pool's runners with ids from `from` to `to`; the time in an id is the session's start. */
  listBetween: async (pool: Pool, from: SessionId, to: SessionId): Promise<SessionFacts[]> =>
    z.array(stored).parse(await queryAll(table, { pk: pool, from, to })),
});
