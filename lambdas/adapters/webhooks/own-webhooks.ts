/**
 * Webhooks to the stack's own functions. `runner-power` gets them by an asynchronous invocation: over HTTP
 * their sender would hold a second function until EC2 has answered, and a new AWS account has ten. Lambda
 * tries a throttled event again from one second on (AWS: error handling for asynchronous invocation).
 */
import { type Clock, msBetween } from '../../../protocol/index.ts';
import type { SendWebhook } from './webhook-sender.ts';

interface OwnWebhooks {
  readonly now: Clock;
  readonly apiUrl: string;
  /** Invokes `runner-power` with the webhook's body. */
  readonly invoke: (body: object) => Promise<void>;
  /** Sends to receivers of other people. */
  readonly overHttp: SendWebhook;
}

/** Sends a delivery to the stack itself by an invocation, and others over HTTP. */
export const ownByInvocation =
  ({ now, apiUrl, invoke, overHttp }: OwnWebhooks): SendWebhook =>
  async (delivery, secret) => {
    if (!delivery.url.startsWith(`${apiUrl}/webhooks/`)) return overHttp(delivery, secret);
    const at = now();
    const outcome = await invoke(delivery.body).then(
      () => ({ statusCode: 202 }),
      (error: unknown) => ({ error: String(error).slice(0, 500) }),
    );
    return { at, durationMs: msBetween(at, now()), ...outcome };
  };
