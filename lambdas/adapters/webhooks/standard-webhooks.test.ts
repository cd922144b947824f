import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { epochMs, toInstant } from '../../../protocol/index.ts';
import { signWebhook, verifyWebhook } from './standard-webhooks.ts';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const now = toInstant(Date.UTC(2026, 0, 1));
const seconds = epochMs(now) / 1000;
const body = '{"action":"start","name":"Zoë"}';

const verdict = (more: { readonly [name: string]: string } = {}, at = now) => {
  const signed = {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(seconds),
    // The scheme's own library signs, so that both sides of ours are compared with it.
    'webhook-signature': new Webhook(secret).sign('msg_1', new Date(epochMs(now)), body),
  };
  return verifyWebhook(secret, { ...signed, ...more }, body, at);
};

describe('signWebhook', () => {
  it("signs like the scheme's own library", () => {
    expect(signWebhook(secret, 'msg_1', seconds, body)).toBe(
      new Webhook(secret).sign('msg_1', new Date(epochMs(now)), body),
    );
  });

  it('refuses an empty secret', () => {
    expect(() => signWebhook('whsec_', 'msg_1', seconds, body)).toThrow('A webhook secret is empty');
  });
});

describe('verifyWebhook', () => {
  it("takes a signature of the scheme's own library, also among others", () => {
    expect(verdict()).toBe('good');
    const signature = signWebhook(secret, 'msg_1', seconds, body);
    expect(verdict({ 'webhook-signature': `v1a,other v1,b3RoZXI= ${signature}` })).toBe('good');
  });

  it.each([
    ['of another id', { 'webhook-id': 'msg_2' }],
    ['without an id', { 'webhook-id': '' }],
    ['of another time', { 'webhook-timestamp': String(seconds + 1) }],
    ['without a time', { 'webhook-timestamp': '' }],
    ['with a time that is no number of seconds', { 'webhook-timestamp': `${seconds}.0` }],
    ['by another secret', { 'webhook-signature': signWebhook('whsec_AAAA', 'msg_1', seconds, body) }],
    [
      'of another version',
      { 'webhook-signature': signWebhook(secret, 'msg_1', seconds, body).replace('v1', 'v2') },
    ],
    ['that is missing', { 'webhook-signature': '' }],
  ])('refuses a signature %s', (_name, headers) => {
    expect(verdict(headers)).toBe('bad_signature');
  });

  it('refuses a time that is more than five minutes off', () => {
    expect(verdict({}, toInstant(epochMs(now) + 300_000))).toBe('good');
    expect(verdict({}, toInstant(epochMs(now) + 301_000))).toBe('stale_timestamp');
    expect(verdict({}, toInstant(epochMs(now) - 301_000))).toBe('stale_timestamp');
  });
});
