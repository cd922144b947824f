/** Endpoints of integrations. */
import { integrationId } from '../ids.ts';
import { eventAnswer, integration, integrationEvent, integrationInput } from '../integration.ts';
import { answer, endpoint, listOf } from './endpoint.ts';
import { inIntegration, integrationEventPath, lastQuery } from './params.ts';
import { resourceEndpoints } from './resources.ts';

export const rotateIntegrationUrl = endpoint({
  operationId: 'rotateIntegrationUrl',
  method: 'post',
  path: '/api/projects/{projectId}/integrations/{integrationId}/rotate-url',
  access: 'manager',
  tag: 'Integrations',
  summary: 'Replace the secret URL of an integration; the old one stops working at once',
  request: { params: inIntegration },
  responses: { 200: answer('The integration with its URL, which is shown only once', integration) },
});

export const listIntegrationEvents = endpoint({
  operationId: 'listIntegrationEvents',
  method: 'get',
  path: '/api/projects/{projectId}/integrations/{integrationId}/events',
  access: 'manager',
  tag: 'Integrations',
  summary: 'List the last events and their outcomes, newest first; they are kept for 30 days',
  request: { params: inIntegration, query: lastQuery },
  responses: { 200: answer('The events', listOf(integrationEvent)) },
});

export const receiveIntegrationEvent = endpoint({
  operationId: 'receiveIntegrationEvent',
  method: 'post',
  path: '/api/integrations/{projectId}/{integrationId}/{secret}',
  access: 'anybody',
  tag: 'Integrations',
  summary: 'Receive an event, which starts the template of the integration if it matches',
  description:
    'The body is JSON, or a form whose field `payload` is JSON, 1 MiB at most. The same signed body starts one task only; without a signature, the same delivery does (by X-GitHub-Delivery, webhook-id, Idempotency-Key, X-Gitlab-Event-UUID, X-Request-UUID, X-Delivery-Id or X-Request-Id).',
  request: { params: integrationEventPath },
  responses: {
    200: answer('The outcome: the event starts nothing', eventAnswer),
    202: answer(
      'The event is stored and will be processed; the events of the integration show the outcome',
      eventAnswer,
    ),
  },
  problems: [
    'bad_signature',
    'malformed_json',
    'body_too_large',
    'invalid_request',
    'too_many_attempts',
    'unavailable',
  ],
});

export const integrations = resourceEndpoints({
  one: 'integration',
  many: 'integrations',
  tag: 'Integrations',
  id: { integrationId },
  input: integrationInput,
  update: integrationInput,
  output: integration,
});
