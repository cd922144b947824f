/**
 * Accepted events of integrations without an outcome yet, each with its survey answers. The item is the
 * truth; the invocation of `integration-events` is a doorbell. An item stands in the live index at the time
 * when that doorbell is checked.
 */
import * as z from 'zod';
import {
  addMs,
  type Clock,
  type Instant,
  instant,
  integrationEventId,
  integrationId,
  type ProjectId,
  projectId,
} from '../../../protocol/index.ts';
import { recordsOf } from '../records.ts';
import { type Item, type Key, keys, type Table } from '../table.ts';

export const eventRef = z.object({ projectId, eventId: integrationEventId });
export type EventRef = z.infer<typeof eventRef>;

/** Invokes `integration-events` for an event. */
export type WorkEventSoon = (ref: EventRef) => Promise<void>;

const pendingEvent = z.object({
  id: integrationEventId,
  projectId,
  integrationId,
  at: instant,
  source: z.string(),
  deliveryId: z.string().optional(),
  /** Survey answers by variable; encrypted at rest, as a variable may be secret. */
  answers: z.record(z.string(), z.string()),
  /** Number of repeated invocations of `integration-events`. */
  asked: z.int().default(0),
});
export type PendingEvent = z.infer<typeof pendingEvent>;

/** Time from the event to the first repeated invocation of `integration-events`. */
const firstLookMs = 60_000;

export type PendingEventStore = ReturnType<typeof pendingEventStore>;

export const pendingEventStore = (table: Table, { now }: { readonly now: Clock }) => {
  const records = recordsOf(table, pendingEvent);
  const keyOf = (project: ProjectId, id: string) => keys.resource(project, id);
  const lookAt = (id: string, at: Instant) => ({ live: 'event', liveKey: `${at}/${id}` });

  return {
    /** Stores an event. False when it is there already. */
    add: (event: Omit<PendingEvent, 'asked'>): Promise<boolean> => {
      const item: Item = { ...event, ...lookAt(event.id, addMs(now(), firstLookMs)) };
      return records.put({ ...keyOf(event.projectId, event.id), ...item }, [['missing', 'pk']]);
    },

    get: async ({ projectId: project, eventId }: EventRef): Promise<PendingEvent | undefined> =>
      records.readIf(await table.get(keyOf(project, eventId))),

    /** Removes an event that has its outcome. */
    remove: async ({ projectId: project, id }: PendingEvent): Promise<void> => {
      await table.remove(keyOf(project, id));
    },

    /** Lists events whose outcome is overdue, oldest first. */
    listDue: async (atMost: number): Promise<PendingEvent[]> => {
      const due: Key[] = [];
      const present = now();
      for await (const key of table.queryLive('event', undefined, atMost)) {
        if (key.liveKey > present) break;
        due.push(key);
      }
      return records.readAll(await table.batchGet(due));
    },

    /**
     * Counts a repeated invocation and doubles the time to the next check. False when another function did
     * so.
     */
    countAsked: async ({ projectId: project, id, asked }: PendingEvent): Promise<boolean> => {
      const next = addMs(now(), firstLookMs * 2 ** (asked + 1));
      const counted = await records.update(
        keyOf(project, id),
        { set: { ...lookAt(id, next), asked: asked + 1 } },
        [['exists', 'pk'], asked === 0 ? ['missing', 'asked'] : ['=', 'asked', asked]],
      );
      return counted !== undefined;
    },
  };
};
