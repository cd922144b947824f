/** Store of integrations and their events. */

import { createHash } from 'node:crypto';
import * as z from 'zod';
import { pathOf } from '../../../protocol/endpoints/call.ts';
import { receiveIntegrationEvent } from '../../../protocol/endpoints/integrations.ts';
import {
  type Clock,
  epochMs,
  type Instant,
  type Integration,
  type IntegrationEvent,
  type IntegrationInput,
  instant,
  integration,
  integrationEvent,
  integrationEventId,
  type ProjectId,
} from '../../../protocol/index.ts';
import type { NewId } from '../ids.ts';
import { recordsOf } from '../records.ts';
import { type ResourceStore, resourceStore } from '../resources/resources.ts';
import { hashSecret, makeSecret, matchesHash, type RandomBytes } from '../runners/registration-tokens.ts';
import { keys, type Table } from '../table.ts';

/** Days for which events are kept and a repeated delivery is recognised. */
const retentionDays = 30;

const stored = integration.omit({ url: true }).extend({ urlHash: z.string() });
type Stored = z.infer<typeof stored>;

const shown = ({ urlHash: _hash, ...rest }: Stored): Integration => rest;

const seen = z.object({
  eventId: integrationEventId,
  at: instant,
  headersHash: z.string().optional().describe('Of the unsigned headers that it was read with; absent: any'),
});

/** Key that recognises a repeated delivery. */
export interface DeliveryKey {
  /** The sender's id of the delivery, or the hash of the signed content. */
  readonly by: string;
  /**
   * Unsigned headers that decide about the event: somebody who repeats the signed part must not change them.
   */
  readonly headers?: readonly (readonly [name: string, value: string | null])[];
}

export interface Recalled {
  readonly eventId: IntegrationEvent['id'];
  readonly at: Instant;
  readonly isNew: boolean;
  /** The delivery came before, with other values of `headers`. */
  readonly isAltered: boolean;
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** Input with the names of the variables that are secret. */
export type SavedIntegration = IntegrationInput & Pick<Integration, 'secretNames'>;

export interface IntegrationStore extends ResourceStore<SavedIntegration, Integration> {
  /** Replaces the secret URL. */
  rotateUrl(projectId: ProjectId, id: string, editedBy: string): Promise<Integration | undefined>;
  /** Finds the integration of a secret URL; undefined when the secret is wrong. */
  open(projectId: ProjectId, id: string, secret: string): Promise<Integration | undefined>;
  /**
   * Remembers a delivery, to recognise a repeat. Returns the event of the first delivery, which is new the
   * first time.
   */
  recall(id: string, delivery: DeliveryKey): Promise<Recalled>;
  /** Records the outcome of an event. Does not overwrite an event that has started its task. */
  record(id: string, event: IntegrationEvent): Promise<void>;
  getEvent(id: string, eventId: string): Promise<IntegrationEvent | undefined>;
  /** Lists events, newest first. */
  listEvents(id: string, limit: number): Promise<IntegrationEvent[]>;
}

interface Deps {
  readonly now: Clock;
  readonly newId: NewId;
  readonly randomBytes: RandomBytes;
  readonly apiUrl: string;
}

export const integrationStore = (table: Table, deps: Deps): IntegrationStore => {
  const { now, newId, randomBytes, apiUrl } = deps;
  const events = recordsOf(table, integrationEvent);
  const store = resourceStore<SavedIntegration & { urlHash: string }, Stored, Stored>(table, deps, {
    prefix: 'int',
    attributes: (input) => input,
    schema: stored,
    show: (record) => record,
  });
  const withUrl = (made: Stored, secret: string): Integration => ({
    ...shown(made),
    url: `${apiUrl}${pathOf(receiveIntegrationEvent, { projectId: made.projectId, integrationId: made.id, secret })}`,
  });
  const expiresAt = () => Math.floor(epochMs(now()) / 1000) + retentionDays * 86_400;

  return {
    create: async (projectId, input, editedBy, basis) => {
      const secret = makeSecret(randomBytes);
      const whole = { ...input, urlHash: hashSecret(secret) };
      return withUrl(await store.create(projectId, whole, editedBy, basis), secret);
    },
    get: async (projectId, id) => {
      const found = await store.get(projectId, id);
      return found && shown(found);
    },
    find: async (projectId, id) => {
      const found = await store.find(projectId, id);
      return found && { shown: shown(found.shown), version: found.version };
    },
    list: async (projectId) => (await store.list(projectId)).map(shown),
    page: async (projectId, asked) => {
      const { items, next } = await store.page(projectId, asked);
      return { items: items.map(shown), next };
    },
    replace: async (projectId, id, input, editedBy, basis) => {
      const found = await store.find(projectId, id);
      if (!found) return undefined;
      const whole = { ...input, urlHash: found.shown.urlHash };
      const asRead = basis ?? { version: found.version, refersTo: [] };
      const after = await store.replace(projectId, id, whole, editedBy, asRead);
      return after && shown(after);
    },
    remove: store.remove,

    rotateUrl: async (projectId, id, editedBy) => {
      const secret = makeSecret(randomBytes);
      // Anybody who knows the URL can start the template.
      const set = { urlHash: hashSecret(secret), editedBy, editedAt: now() };
      const change = { set, add: { version: 1 } };
      const after = await table.update(keys.resource(projectId, id), change, [['exists', 'pk']]);
      return after && withUrl(stored.parse(after), secret);
    },

    open: async (projectId, id, secret) => {
      const found = await store.get(projectId, id);
      return found && matchesHash(secret, found.urlHash) ? shown(found) : undefined;
    },

    recall: async (id, { by, headers }) => {
      const key = keys.seenIntegrationEvent(id, hashOf(by));
      const at = now();
      const headersHash = headers && hashOf(JSON.stringify(headers));
      const fresh = { eventId: newId('iev', at), at };
      const item = { ...key, ...fresh, headersHash, expiresAt: expiresAt() };
      const isNew = await table.put(item, [['missing', 'pk']]);
      const known = isNew ? undefined : await table.get(key);
      if (!known) return { ...fresh, isNew: true, isAltered: false };
      const {
        eventId,
        at: firstAt,
        headersHash: firstHash = headersHash,
      } = recordsOf(table, seen).read(known);
      return { eventId, at: firstAt, isNew: false, isAltered: firstHash !== headersHash };
    },

    record: async (id, event) => {
      await events.put({ ...keys.integrationEvent(id, event.id), ...event, expiresAt: expiresAt() }, [
        ['any', ['missing', 'pk'], ['<>', 'outcome', 'started']],
      ]);
    },

    getEvent: async (id, eventId) => {
      return events.readIf(await table.get(keys.integrationEvent(id, eventId)));
    },

    listEvents: async (id, limit) => {
      const { items } = await table.query({
        pk: keys.integrationEvent(id, '').pk,
        prefix: 'iev_',
        descending: true,
        limit,
      });
      return events.readAll(items);
    },
  };
};
