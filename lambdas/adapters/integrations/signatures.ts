/** Signatures of incoming requests, compared in constant time. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IntegrationInput } from '../../../protocol/index.ts';

/** Compares hashes, so that texts of any length take the same time. */
const isSame = (given: string, right: string): boolean => {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(right));
};

const isHmac = (given: string, secret: string, body: Uint8Array): boolean => {
  const digest = createHmac('sha256', secret).update(body).digest();
  const bare = given.replace(/^sha256=/i, '');
  return isSame(bare.toLowerCase(), digest.toString('hex')) || isSame(bare, digest.toString('base64'));
};

/**
 * True when the sender holds the secret. `body` is bytes: decoded text may stand for other bytes than the
 * signed ones.
 */
export const isSigned = (
  auth: IntegrationInput['auth'],
  secret: string | undefined,
  headers: Readonly<Record<string, string | undefined>>,
  body: Uint8Array,
): boolean => {
  if (auth.type === 'url') return true;
  if (secret === undefined || secret === '') return false;
  switch (auth.type) {
    case 'github':
      return isHmac(headers['x-hub-signature-256'] ?? '', secret, body);
    case 'gitlab':
      return isSame(headers['x-gitlab-token'] ?? '', secret);
    case 'hmac':
      return isHmac(headers[auth.header] ?? '', secret, body);
  }
};

/**
 * Returns the hash of all signed content. Undefined where the request carries the secret itself: somebody who
 * has one such request can make any other. No scheme here signs a header, a time or the sender's id of a
 * delivery.
 */
export const signedContent = (auth: IntegrationInput['auth'], body: Uint8Array): string | undefined =>
  auth.type === 'github' || auth.type === 'hmac'
    ? createHash('sha256').update(body).digest('base64url')
    : undefined;
