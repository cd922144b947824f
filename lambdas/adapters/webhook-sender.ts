/** One attempt at a webhook: signed by the Standard Webhooks scheme (https://www.standardwebhooks.com), sent, and told. */
import { Webhook } from 'standardwebhooks';
import { type Clock, type Delivery, type DeliveryAttempt, epochMs, msBetween } from '../../protocol/index.ts';

/** A receiver has as long as Semaphore gives it. The first attempt holds up its caller, so it has less. */
export const attemptTimeoutMs = 10_000;

/** Sends a delivery once. Never throws: what went wrong is in the attempt. */
export type SendWebhook = (
  delivery: Pick<Delivery, 'id' | 'url' | 'body'>,
  secret: string,
) => Promise<DeliveryAttempt>;

export const acknowledged = (attempt: DeliveryAttempt): boolean =>
  attempt.statusCode !== undefined && attempt.statusCode >= 200 && attempt.statusCode < 300;

export const httpWebhookSender =
  (now: Clock, request: typeof fetch = fetch): SendWebhook =>
  async ({ id, url, body }, secret) => {
    const at = now();
    const sentAt = new Date(epochMs(at));
    const payload = JSON.stringify({ ...body, sent_at: at });
    const outcome = await request(url, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.timeout(attemptTimeoutMs),
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Reveille',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
        'webhook-signature': new Webhook(secret).sign(id, sentAt, payload),
      },
      body: payload,
    }).then(
      async (response) => {
        await response.body?.cancel();
        return { statusCode: response.status };
      },
      (error: unknown) => ({ error: describeFailure(error) }),
    );
    return { at, durationMs: msBetween(at, now()), ...outcome };
  };

const describeFailure = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error.message}${cause}`.slice(0, 500);
};
