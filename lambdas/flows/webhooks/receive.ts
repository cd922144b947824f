/** Receives a webhook: checks its sender, time and uniqueness before any effect. */
import { projectId, type ReceivedWebhookBody, receivedWebhookBody } from '../../../protocol/index.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { verifyWebhook } from '../../adapters/webhooks/standard-webhooks.ts';
import type { Deps } from '../deps.ts';
import { parseWebhookBody } from './webhook-body.ts';

export interface IncomingWebhook {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly rawBody: string;
}

export type WebhookRefusal =
  | 'malformed_json'
  | 'invalid_request'
  | 'bad_signature'
  | 'stale_timestamp'
  | 'webhook_replayed';

export type Received =
  | { readonly ok: true; readonly runner: RunnerRecord; readonly body: ReceivedWebhookBody }
  | { readonly ok: false; readonly code: WebhookRefusal; readonly detail: string };

const refuse = (code: WebhookRefusal, detail: string): Received => ({ ok: false, code, detail });

/**
 * Verifies by the secret of the runner that the body names. A sender's retry has a newer time stamp, so the
 * same id with the same time stamp is a replay.
 */
export const receiveWebhook = async (
  deps: Pick<Deps, 'now' | 'runners' | 'deliveries'>,
  action: ReceivedWebhookBody['action'],
  { headers, rawBody }: IncomingWebhook,
): Promise<Received> => {
  const parsed = parseWebhookBody(receivedWebhookBody, rawBody);
  if (!parsed.ok) return parsed;
  const { body } = parsed;
  if (body.action !== action) {
    return refuse('invalid_request', `This URL takes ${action} events; the body says ${body.action}.`);
  }
  const project = projectId.safeParse(body.project_id);
  const runner = project.success ? await deps.runners.find(project.data, body.runner_id) : undefined;
  const id = headers['webhook-id'] ?? '';
  const timestamp = headers['webhook-timestamp'] ?? '';
  const verdict = runner
    ? verifyWebhook(runner.webhookSecret, headers, rawBody, deps.now())
    : 'bad_signature';
  if (!runner || verdict === 'bad_signature') {
    return refuse('bad_signature', 'The signature is missing or wrong, or there is no such runner.');
  }
  if (verdict === 'stale_timestamp') {
    return refuse('stale_timestamp', 'The time stamp is more than five minutes off. Check the clocks.');
  }
  if (!(await deps.deliveries.firstSight(id, timestamp, deps.now()))) {
    return refuse('webhook_replayed', 'This delivery was received before.');
  }
  return { ok: true, runner, body };
};
