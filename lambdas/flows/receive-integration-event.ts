/** Taking an incoming request for an integration: proof, match, survey answers, task. Every outcome is recorded. */
import type { EventAnswer, Integration, IntegrationEvent } from '../../protocol/index.ts';
import { type AttemptStore, signatureChecks } from '../adapters/attempts.ts';
import { isSigned, signedContent } from '../adapters/integration-signatures.ts';
import type { DeliveryKey, IntegrationStore } from '../adapters/integrations.ts';
import { hasReplacedBytes, readEventBody } from '../core/event-body.ts';
import { answersIn, headersRead, type Incoming, whyNotMatched } from '../core/integration.ts';
import { type StartByCauseDeps, startByCause } from './start-by-cause.ts';

export type EventDeps = StartByCauseDeps & {
  readonly integrations: IntegrationStore;
  readonly attempts: Pick<AttemptStore, 'take'>;
  /** The text of a key of the type string. */
  readonly readKeyText: (projectId: Integration['projectId'], keyId: string) => Promise<string | undefined>;
};

export interface EventRequest {
  readonly headers: Incoming['headers'];
  readonly body: Uint8Array;
  readonly source: string;
}

/**
 * Where senders put their own id of a delivery. GitLab's Idempotency-Key is that of one delivery, while X-Gitlab-Event-UUID is the same
 * for all events that follow from one: https://docs.gitlab.com/user/project/integrations/webhooks/#delivery-headers
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

/** A header is not signed, so it makes no new event of what is signed; undefined: each request counts as new. */
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

const decide = async (
  deps: EventDeps,
  integration: Integration,
  request: EventRequest,
  event: Pick<IntegrationEvent, 'id' | 'at'>,
): Promise<EventAnswer> => {
  const read = readEventBody(request.body, request.headers['content-type']);
  if (!read.ok) return { outcome: 'not_json', detail: read.detail };
  const incoming = { headers: request.headers, body: read.json };
  const why = whyNotMatched(integration, incoming);
  if (why !== undefined) return { outcome: 'not_matched', detail: why };
  const { templateId, name } = integration;
  // The same delivery is the same cause, also when it comes again after a crash in between.
  return startByCause(
    deps,
    { kind: 'integration', by: integration, cause: event.id, at: event.at, source: request.source },
    { templateId, survey: answersIn(integration, incoming), message: `Integration ${name}` },
  );
};

/** The key of an integration, whose use for signatures is written down once a window: senders decide how often they call. */
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
      target: `/api/projects/${projectId}/integrations/${id}`,
      source,
      secrets: [auth.keyId],
    });
  }
  return deps.readKeyText(projectId, auth.keyId);
};

/** What was decided for good: another delivery of the same id changes nothing of it. */
const isFinal = ({ outcome }: EventAnswer): boolean => outcome === 'started';

/** Answers what became of the request. The same delivery again starts nothing again. */
export const receiveIntegrationEvent = async (
  deps: EventDeps,
  integration: Integration,
  request: EventRequest,
): Promise<EventAnswer> => {
  const deliveryId = deliveryIdOf(request);
  const about = { source: request.source, ...(deliveryId !== undefined && { deliveryId }) };
  const record = async (
    event: Pick<IntegrationEvent, 'id' | 'at'>,
    answer: EventAnswer,
  ): Promise<EventAnswer> => {
    await deps.integrations.record(integration.id, { ...event, ...about, ...answer });
    return answer;
  };
  const fresh = () => {
    const at = deps.now();
    return { id: deps.newId('iev', at), at };
  };

  const secret = await secretOf(deps, integration, request.source);
  if (!isSigned(integration.auth, secret, request.headers, request.body)) {
    return record(fresh(), { outcome: 'bad_signature', detail: badSignature(integration, request) });
  }
  if (!integration.active) {
    return record(fresh(), { outcome: 'inactive', detail: 'The integration is not active.' });
  }
  const delivery = deliveryKeyOf(integration, request, deliveryId);
  if (!delivery) {
    const event = fresh();
    return record(event, await decide(deps, integration, request, event));
  }
  const { eventId: id, at, isNew, isAltered } = await deps.integrations.recall(integration.id, delivery);
  const before = isNew ? undefined : await deps.integrations.getEvent(integration.id, id);
  if (isAltered || (before && isFinal(before))) {
    const detail = isAltered
      ? `The same signed body came as event ${id} before, with other headers, which are not signed.`
      : delivery.headers
        ? `The same signed body was taken before, as event ${id}.`
        : `Delivery ${deliveryId} was taken before.`;
    return record(fresh(), {
      outcome: 'duplicate',
      detail,
      ...(before?.taskId && { taskId: before.taskId }),
    });
  }
  return record({ id, at }, await decide(deps, integration, request, { id, at }));
};
