/** Taking an incoming request for an integration: proof, match, survey answers, task. Every outcome is recorded. */
import type { EventAnswer, Integration, IntegrationEvent } from '../../protocol/index.ts';
import { type AttemptStore, signatureChecks } from '../adapters/attempts.ts';
import { isSigned } from '../adapters/integration-signatures.ts';
import type { IntegrationStore } from '../adapters/integrations.ts';
import { answersIn, type Incoming, whyNotMatched } from '../core/integration.ts';
import { type StartByCauseDeps, startByCause } from './start-by-cause.ts';

export type EventDeps = StartByCauseDeps & {
  readonly integrations: IntegrationStore;
  readonly attempts: Pick<AttemptStore, 'take'>;
  /** The text of a key of the type string. */
  readonly readKeyText: (projectId: Integration['projectId'], keyId: string) => Promise<string | undefined>;
};

export interface EventRequest {
  readonly headers: Incoming['headers'];
  readonly text: string;
  readonly source: string;
}

/** Where senders put their own id of a delivery. */
const idHeaders = [
  'x-github-delivery',
  'x-gitlab-event-uuid',
  'webhook-id',
  'idempotency-key',
  'x-delivery-id',
  'x-request-id',
];

const deliveryIdOf = ({ headers }: EventRequest): string | undefined =>
  idHeaders
    .map((name) => headers[name])
    .find((id) => id !== undefined && id !== '')
    ?.slice(0, 200);

const parse = (text: string): { readonly body: unknown } | undefined => {
  try {
    return { body: JSON.parse(text) };
  } catch {
    return undefined;
  }
};

const decide = async (
  deps: EventDeps,
  integration: Integration,
  request: EventRequest,
  event: Pick<IntegrationEvent, 'id' | 'at'>,
): Promise<EventAnswer> => {
  const parsed = parse(request.text);
  if (!parsed) return { outcome: 'not_json', detail: 'The body is not JSON.' };
  const incoming = { headers: request.headers, body: parsed.body };
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
  if (!isSigned(integration.auth, secret, request.headers, request.text)) {
    return record(fresh(), { outcome: 'bad_signature', detail: 'The signature is missing or wrong.' });
  }
  if (!integration.active) {
    return record(fresh(), { outcome: 'inactive', detail: 'The integration is not active.' });
  }
  if (deliveryId === undefined) {
    const event = fresh();
    return record(event, await decide(deps, integration, request, event));
  }
  const { eventId: id, at, isNew } = await deps.integrations.recall(integration.id, deliveryId);
  const before = isNew ? undefined : await deps.integrations.getEvent(integration.id, id);
  if (before && isFinal(before)) {
    const again = { outcome: 'duplicate' as const, detail: `Delivery ${deliveryId} was taken before.` };
    return record(fresh(), { ...again, ...(before.taskId && { taskId: before.taskId }) });
  }
  return record({ id, at }, await decide(deps, integration, request, { id, at }));
};
