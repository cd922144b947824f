/**
 * Events of integrations that were taken and have no outcome yet, each with what it says to the template. The item is the truth; the
 * invocation of `integration-events` is a doorbell. An item stands in the live index at the time when somebody looks whether that rang.
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

/** Has `integration-events` work on an event. */
export type WorkEventSoon = (ref: EventRef) => Promise<void>;

const pendingEvent = z.object({
  id: integrationEventId,
  projectId,
  integrationId,
  at: instant,
  source: z.string(),
  deliveryId: z.string().optional(),
  /** Survey answers, by variable; encrypted at rest, as one may be that of a secret variable. */
  answers: z.record(z.string(), z.string()),
  /** How often `integration-events` was asked again. */
  asked: z.int().default(0),
});
export type PendingEvent = z.infer<typeof pendingEvent>;

/** How long after the event, or after the first time that it was asked again, `integration-events` is asked again. */
const firstLookMs = 60_000;

export type PendingEventStore = ReturnType<typeof pendingEventStore>;

export const pendingEventStore = (table: Table, { now }: { readonly now: Clock }) => {
  const records = recordsOf(table, pendingEvent);
  const keyOf = (project: ProjectId, id: string) => keys.resource(project, id);
  const lookAt = (id: string, at: Instant) => ({ live: 'event', liveKey: `${at}/${id}` });

  return {
    /** False when it is there already. */
    add: (event: Omit<PendingEvent, 'asked'>): Promise<boolean> => {
      const item: Item = { ...event, ...lookAt(event.id, addMs(now(), firstLookMs)) };
      return records.put({ ...keyOf(event.projectId, event.id), ...item }, [['missing', 'pk']]);
    },

    get: async ({ projectId: project, eventId }: EventRef): Promise<PendingEvent | undefined> =>
      records.readIf(await table.get(keyOf(project, eventId))),

    /** It has its outcome. */
    remove: async ({ projectId: project, id }: PendingEvent): Promise<void> => {
      await table.remove(keyOf(project, id));
    },

    /** Those that should have had their outcome by now, the oldest first. */
    listDue: async (atMost: number): Promise<PendingEvent[]> => {
      const due: Key[] = [];
      const present = now();
      for await (const key of table.queryLive('event', undefined, atMost)) {
        if (key.liveKey > present) break;
        due.push(key);
      }
      return records.readAll(await table.batchGet(due));
    },

    /** Counts that it is asked again, and doubles the time until the next look. False when another function has done so. */
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
