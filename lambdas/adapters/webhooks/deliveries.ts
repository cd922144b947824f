/** Store of webhook deliveries, and of the time stamps that receivers have seen. */
import * as z from 'zod';
import {
  type Delivery,
  type DeliveryAttempt,
  delivery,
  epochMs,
  type HeldDelivery,
  type Instant,
  type ProjectId,
} from '../../../protocol/index.ts';
import { recordsOf } from '../records.ts';
import { type Key, keys, type Table } from '../table.ts';

/** Retention of deliveries. */
const retentionDays = 30;
/** Keeps the item small after many manual repeats: at most 10 times 4 KB. */
const responsesKept = 10;
/** Longer than any tolerance for old time stamps; an older replay is rejected for its age. */
const seenRetentionSeconds = 3600;

const stored = delivery.extend({ attempts: z.array(delivery.shape.attempts.element).default([]) });

const seconds = (now: Instant) => Math.floor(epochMs(now) / 1000);

export type DeliveryStore = ReturnType<typeof deliveryStore>;

export const deliveryStore = (table: Table) => {
  const records = recordsOf(table, stored);
  const keyOf = (ref: Pick<Delivery, 'projectId' | 'id'>) => keys.resource(ref.projectId, ref.id);

  /**
   * Adds an attempt and its outcome. Two attempts may run at once: neither drops the other's record, and a
   * settled delivery stays settled.
   */
  const record = async (
    made: Delivery,
    attempt: DeliveryAttempt,
    status: Delivery['status'],
  ): Promise<Delivery> => {
    const attempts = [...made.attempts, attempt].map((one, index, { length }) =>
      index < length - responsesKept ? { ...one, response: undefined } : one,
    );
    const recorded = await records.update(
      keyOf(made),
      {
        set: {
          attempts,
          tries: attempts.length,
          status,
          held: undefined,
          ...(status !== 'pending' && { live: undefined, liveKey: undefined }),
        },
      },
      [
        ['=', 'status', 'pending'],
        ['any', ['missing', 'tries'], ['=', 'tries', made.attempts.length]],
      ],
    );
    if (recorded) return recorded;
    const current = records.readIf(await table.get(keyOf(made)));
    if (!current) return { ...made, attempts, status };
    return current.status === 'pending' ? record(current, attempt, status) : current;
  };

  return {
    /** Stores a delivery. False when its id exists, so that an event is sent once. */
    create: (made: Delivery): Promise<boolean> =>
      records.put(
        {
          ...keyOf(made),
          ...made,
          live: 'delivery',
          liveKey: made.id,
          expiresAt: seconds(made.createdAt) + retentionDays * 86_400,
        },
        [['missing', 'pk']],
      ),

    get: async (projectId: ProjectId, id: string): Promise<Delivery | undefined> =>
      records.readIf(await table.get(keys.resource(projectId, id))),

    /**
     * Lists deliveries, newest task first. A filter by status examines one page of items, so the result may
     * hold fewer than `limit`, or none, and still have a next page.
     */
    list: async (
      projectId: ProjectId,
      prefix: string,
      { limit, status }: { limit: number; status?: Delivery['status'] },
      after?: Key,
    ) => {
      const { items, next } = await table.query({
        pk: projectId,
        prefix,
        where: status === undefined ? [] : [['=', 'status', status]],
        descending: true,
        limit,
        after,
      });
      return { items: records.readAll(items), next };
    },

    /** Lists deliveries that no receiver has acknowledged yet. */
    listPending: async (): Promise<Delivery[]> => {
      const found: Key[] = [];
      for await (const key of table.queryLive('delivery')) found.push(key);
      return records.readAll(await table.batchGet(found));
    },

    record,

    /** Records until when it is not tried, and why. False when it is settled. */
    hold: async (made: Pick<Delivery, 'projectId' | 'id'>, held: HeldDelivery): Promise<boolean> =>
      (await records.update(keyOf(made), { set: { held } }, [['=', 'status', 'pending']])) !== undefined,

    /** True when one of them remains to be sent; those never stored don't count. */
    isAnyPending: async (projectId: ProjectId, ids: readonly string[]): Promise<boolean> => {
      const found = await table.batchGet(ids.map((id) => keys.resource(projectId, id)));
      return found.some(({ status }) => status === 'pending');
    },

    /** Sets it back to pending, to send it again. */
    reopen: (made: Delivery): Promise<Delivery | undefined> =>
      records.update(keyOf(made), { set: { status: 'pending', live: 'delivery', liveKey: made.id } }, [
        ['exists', 'pk'],
      ]),

    /**
     * True the first time that a receiver sees this id with this time stamp: a retry has a newer one, a
     * replay has not.
     */
    firstSight: (deliveryId: string, timestamp: string, now: Instant): Promise<boolean> =>
      table.put(
        { ...keys.seenWebhook(deliveryId, timestamp), expiresAt: seconds(now) + seenRetentionSeconds },
        [['missing', 'pk']],
      ),
  };
};
