/**
 * One attempt at a webhook: signed by the Standard Webhooks scheme (https://www.standardwebhooks.com), sent
 * and recorded.
 */
import type { IncomingMessage } from 'node:http';
import {
  type Clock,
  type Delivery,
  type DeliveryAttempt,
  epochMs,
  msBetween,
  type RecordedResponse,
  recordedBodyBytes,
} from '../../../protocol/index.ts';
import { attemptTimeoutMs } from '../../core/webhooks/retry-policy.ts';
import type { AddressGuard } from '../address-guard.ts';
import { readUpTo, requestByGuard } from '../guarded-request.ts';
import { signWebhook } from './standard-webhooks.ts';

/** Sends a delivery once. Never throws: the attempt has the error. */
export type SendWebhook = (
  delivery: Pick<Delivery, 'id' | 'url' | 'body'>,
  secret: string,
) => Promise<DeliveryAttempt>;

/** Headers that help to find why a receiver rejects; others are noise, or not ours to keep. */
const headersOfUse = ['content-type', 'location', 'retry-after', 'server', 'x-request-id', 'apigw-requestid'];
const maxHeaderLength = 200;

/** Decodes text without a half character at its cut. */
const toText = (bytes: Buffer): string => new TextDecoder().decode(bytes, { stream: true });

const readResponse = async (response: IncomingMessage): Promise<RecordedResponse> => {
  const { bytes, isCut } = await readUpTo(response, recordedBodyBytes);
  const headers = headersOfUse.flatMap((name) => {
    const value = response.headers[name];
    return typeof value === 'string' ? [[name, value.slice(0, maxHeaderLength)] as const] : [];
  });
  return { headers: Object.fromEntries(headers), body: toText(bytes), isCut: isCut || undefined };
};

const post = async (
  guard: AddressGuard,
  url: string,
  headers: Readonly<Record<string, string | number>>,
  body: string,
  timeoutMs: number,
): Promise<Pick<DeliveryAttempt, 'statusCode' | 'response'>> => {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return await requestByGuard(guard, url, { method: 'POST', headers, body, signal }, async (response) => ({
      statusCode: response.statusCode ?? 0,
      response: await readResponse(response),
    }));
  } catch (error) {
    throw signal.aborted ? new Error(`No whole answer came within ${timeoutMs / 1000} s.`) : error;
  }
};

/** Sends over HTTP. Does not follow redirects: a receiver could point anywhere by one. */
export const httpWebhookSender =
  (now: Clock, guard: AddressGuard, timeoutMs = attemptTimeoutMs): SendWebhook =>
  async ({ id, url, body }, secret) => {
    const at = now();
    const sentAt = Math.floor(epochMs(at) / 1000);
    const payload = JSON.stringify({ ...body, sent_at: at });
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(payload),
      'user-agent': 'Reveille',
      'webhook-id': id,
      'webhook-timestamp': String(sentAt),
      'webhook-signature': signWebhook(secret, id, sentAt, payload),
    };
    const outcome = await post(guard, url, headers, payload, timeoutMs).catch((error: unknown) => ({
      error: (error instanceof Error ? error.message : String(error)).slice(0, 500),
    }));
    return { at, durationMs: msBetween(at, now()), ...outcome };
  };
