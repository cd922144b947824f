/**
 * Signatures of the Standard Webhooks scheme, version v1
 * (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { epochMs, type Instant } from '../../../protocol/index.ts';

/** Time by which a time stamp may be off, in both directions. */
const toleranceMs = 5 * 60_000;

/** Throws for an empty secret, with which anybody could sign. */
const keyOf = (secret: string): Buffer => {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  if (key.length === 0) throw new Error('A webhook secret is empty. Replace the runner to get a new one.');
  return key;
};

/** Signs a webhook. `timestamp` is in whole seconds, as in its header; `secret` is `whsec_` and base64. */
export const signWebhook = (secret: string, id: string, timestamp: number, body: string): string =>
  `v1,${createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest('base64')}`;

/** Compares in constant time; the length of a signature is no secret. */
const isSame = (given: Buffer, right: Buffer): boolean =>
  given.length === right.length && timingSafeEqual(given, right);

/**
 * Verifies the headers of a webhook, given in lower case. A sender that changes its secret gives several
 * signatures, with spaces between them.
 */
export const verifyWebhook = (
  secret: string,
  headers: Readonly<Record<string, string | undefined>>,
  body: string,
  now: Instant,
): 'good' | 'bad_signature' | 'stale_timestamp' => {
  const { 'webhook-id': id = '', 'webhook-timestamp': time = '', 'webhook-signature': given = '' } = headers;
  if (id === '' || !/^\d{1,12}$/.test(time)) return 'bad_signature';
  const timestamp = Number(time);
  if (Math.abs(timestamp * 1000 - epochMs(now)) > toleranceMs) return 'stale_timestamp';
  const right = Buffer.from(signWebhook(secret, id, timestamp, body));
  return given.split(' ').some((one) => isSame(Buffer.from(one), right)) ? 'good' : 'bad_signature';
};
