/**
 * Receives events of integrations: proof, body, match. A matching event is stored and answered before its
 * task starts, as senders disable a webhook that answers slowly or by 5xx:
 * https://docs.gitlab.com/user/project/integrations/webhooks/#auto-disabled-webhooks
 */
import { pathOf } from '../../../protocol/endpoints/call.ts';
import { integrations } from '../../../protocol/endpoints/integrations.ts';
import type { EventAnswer, EventResult, Integration, IntegrationEvent } from '../../../protocol/index.ts';
import type { DeliveryKey, IntegrationStore } from '../../adapters/integrations/integrations.ts';
import type { PendingEventStore, WorkEventSoon } from '../../adapters/integrations/pending-events.ts';
import { isSigned, signedContent } from '../../adapters/integrations/signatures.ts';
import type { AuditTrail } from '../../adapters/people/audit.ts';
import { type AttemptStore, signatureChecks } from '../../adapters/people/rate-limits.ts';
import { hasReplacedBytes, readEventBody } from '../../core/integrations/event-body.ts';
import { answersIn, headersRead, type Incoming, whyNotMatched } from '../../core/integrations/match-event.ts';
import type { Deps } from '../deps.ts';

export interface EventDeps extends Pick<Deps, 'now' | 'newId' | 'log'> {
  readonly integrations: IntegrationStore;
  readonly pendingEvents: PendingEventStore;
  readonly workEventSoon: WorkEventSoon;
  readonly attempts: Pick<AttemptStore, 'take'>;
  readonly audit: Pick<AuditTrail, 'record'>;
  /** Returns the text of a key of the type string. */
  readonly readKeyText: (projectId: Integration['projectId'], keyId: string) => Promise<string | undefined>;
}

export interface EventRequest {
  readonly headers: Incoming['headers'];
  readonly body: Uint8Array;
  readonly source: string;
}

/**
 * Headers with the sender's own delivery id. GitLab's Idempotency-Key identifies one delivery, while
 * X-Gitlab-Event-UUID is shared by all events with one cause:
 * https://docs.gitlab.com/user/project/integrations/webhooks/#delivery-headers
 */
const idHeaders = [
  'x-github-delivery',
  'webhook-id',
  'idempotency-key',
  'x-gitlab-event-uuid',
  // Bitbucket: https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/
  'x-request-uuid',
  'x-delivery-id',
  'x-request-id',
];

const deliveryIdOf = ({ headers }: EventRequest): string | undefined =>
  idHeaders
    .map((name) => headers[name])
    .find((id) => id !== undefined && id !== '')
    ?.slice(0, 200);

/** Key of a delivery. A header is unsigned, so it cannot renew signed content; undefined: a new event. */
const deliveryKeyOf = (
  integration: Integration,
  { headers, body }: EventRequest,
  deliveryId: string | undefined,
): DeliveryKey | undefined => {
  const signed = signedContent(integration.auth, body);
  if (signed !== undefined) return { by: `signed ${signed}`, headers: headersRead(integration, headers) };
  return deliveryId === undefined ? undefined : { by: deliveryId };
};

const badSignature = ({ auth }: Integration, { body }: EventRequest): string =>
  signedContent(auth, body) !== undefined && hasReplacedBytes(body)
    ? 'The signature is missing or wrong. The body is not UTF-8, so API Gateway replaced bytes that were signed. Send it as UTF-8.'
    : 'The signature is missing or wrong.';

/** Encrypted and in base64 it stays below the 400 KB limit of a DynamoDB item. */
const maxAnswersBytes = 200 * 1024;

const tooLarge = (answers: Readonly<Record<string, string>>): string | undefined => {
  const sizes = Object.entries(answers).map(
    ([name, text]) => [name, Buffer.byteLength(JSON.stringify(text))] as const,
  );
  const bytes = sizes.reduce((sum, [, size]) => sum + size, 0);
  if (bytes <= maxAnswersBytes) return undefined;
  const [largest] = sizes.toSorted(([, a], [, b]) => b - a);
  return `The variables of the integration hold ${bytes} bytes of this event, and may hold ${maxAnswersBytes}; the largest is ${largest?.[0]}.`;
};

/** Returns the survey answers of a matching event, or the outcome of any other. */
const read = (
  integration: Integration,
  request: EventRequest,
): { readonly answers: Record<string, string> } | EventResult => {
  if (!integration.active) return { outcome: 'inactive', detail: 'The integration is not active.' };
  const body = readEventBody(request.body, request.headers['content-type']);
  if (!body.ok) return { outcome: 'not_json', detail: body.detail };
  const incoming = { headers: request.headers, body: body.json };
  const why = whyNotMatched(integration, incoming);
  if (why !== undefined) return { outcome: 'not_matched', detail: why };
  const answers = answersIn(integration, incoming);
  const fault = tooLarge(answers);
  return fault === undefined ? { answers } : { outcome: 'refused', detail: fault };
};

/** Returns an integration's key. Senders decide how often they call, so its use is recorded once a window. */
const secretOf = async (
  deps: EventDeps,
  { id, name, auth, projectId }: Integration,
  source: string,
): Promise<string | undefined> => {
  if (auth.type === 'url') return undefined;
  if (await deps.attempts.take(signatureChecks, id)) {
    await deps.audit.record(projectId, {
      actor: { id, name },
      operation: 'useSecrets',
      target: pathOf(integrations.get, { projectId, integrationId: id }),
      object: { kind: 'integrations', id, name },
      source,
      secrets: [auth.keyId],
    });
  }
  return deps.readKeyText(projectId, auth.keyId);
};

/** Returns true for an event in progress or with a started task: another delivery of it changes nothing. */
const isTaken = ({ outcome }: EventResult): boolean => outcome === 'received' || outcome === 'started';

/** Invokes the function. The event is stored, so after a failure the reconciler retries. */
const workSoon = async (deps: EventDeps, ref: Parameters<WorkEventSoon>[0]): Promise<void> => {
  try {
    await deps.workEventSoon(ref);
  } catch (error) {
    deps.log.warn('An event of an integration waits for the reconciler', { ...ref, error: String(error) });
  }
};

/** Returns the outcome of the request, or that it is in progress. A repeated delivery starts nothing. */
export const receiveIntegrationEvent = async (
  deps: EventDeps,
  integration: Integration,
  request: EventRequest,
): Promise<EventAnswer> => {
  const { id: integrationId, projectId } = integration;
  const { source } = request;
  const deliveryId = deliveryIdOf(request);
  const about = { source, deliveryId };
  const record = async (
    event: Pick<IntegrationEvent, 'id' | 'at'>,
    result: EventResult,
  ): Promise<EventAnswer> => {
    await deps.integrations.record(integrationId, { ...event, ...about, ...result });
    return { id: event.id, ...result };
  };
  const fresh = () => {
    const at = deps.now();
    return { id: deps.newId('iev', at), at };
  };

  const secret = await secretOf(deps, integration, source);
  if (!isSigned(integration.auth, secret, request.headers, request.body)) {
    return record(fresh(), { outcome: 'bad_signature', detail: badSignature(integration, request) });
  }
  const delivery = deliveryKeyOf(integration, request, deliveryId);
  const known = delivery && (await deps.integrations.recall(integrationId, delivery));
  const event = known ? { id: known.eventId, at: known.at } : fresh();
  const before =
    known?.isNew === false ? await deps.integrations.getEvent(integrationId, event.id) : undefined;
  const again = (detail: string) => record(fresh(), { outcome: 'duplicate', detail, taskId: before?.taskId });
  if (known?.isAltered) {
    return again(
      `The same signed body came as event ${event.id} before, with other headers, which are not signed.`,
    );
  }
  const taken = delivery?.headers
    ? `The same signed body was taken before, as event ${event.id}.`
    : `Delivery ${deliveryId} was taken before, as event ${event.id}.`;
  if (before && isTaken(before)) return again(taken);

  const found = read(integration, request);
  if (!('answers' in found)) return record(event, found);
  // First the record that the reconciler reads: an answered event is always processed.
  const isAdded = await deps.pendingEvents.add({
    ...event,
    ...about,
    projectId,
    integrationId,
    answers: found.answers,
  });
  if (!isAdded) return again(taken);
  const answer = await record(event, {
    outcome: 'received',
    detail: 'The event was accepted and is being processed.',
  });
  await workSoon(deps, { projectId, eventId: event.id });
  return answer;
};
