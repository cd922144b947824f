import { Hono } from 'hono';
import { handle } from 'hono/aws-lambda';
import { describe, expect, it } from 'vitest';
import { hashSecret } from '../adapters/runners/registration-tokens.ts';
import { gatewayRequestId, sourceBehindEdge } from './request-source.ts';

const app = new Hono()
  .get('/', (c) => c.text(sourceBehindEdge(hashSecret('edge-key'))(c)))
  .get('/without-edge', (c) => c.text(sourceBehindEdge(undefined)(c)))
  .get('/id', (c) => c.text(gatewayRequestId(c)));
const handler = handle(app);

/** Returns the API's response to a request that reaches API Gateway from 192.0.2.7 with these headers. */
const ask = async (path: string, headers: Record<string, string>): Promise<unknown> => {
  const http = { method: 'GET', path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.7', userAgent: 'test' };
  const answer = await handler({
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: '',
    headers: { host: 'api.test', ...headers },
    body: null,
    isBase64Encoded: false,
    requestContext: {
      accountId: '1',
      apiId: 'api',
      authentication: null,
      authorizer: {},
      domainName: 'api.test',
      domainPrefix: 'api',
      http,
      requestId: 'id-of-the-gateway',
      routeKey: '$default',
      stage: '$default',
      time: '24/Nov/2026:10:00:00 +0000',
      timeEpoch: 0,
    },
  });
  return answer.body;
};

const sourceOf = (headers: Record<string, string>) => ask('/', headers);

describe('the source of a request', () => {
  it('is the address that connects, when the request came straight to the API', async () => {
    expect(await sourceOf({ 'x-forwarded-for': '203.0.113.5, 192.0.2.7' })).toBe('192.0.2.7');
  });

  it('is the address that CloudFront appends, not an entry of the client before it', async () => {
    const headers = { 'x-reveille-edge': 'edge-key', 'x-forwarded-for': '10.0.0.1, 203.0.113.5, 192.0.2.7' };
    expect(await sourceOf(headers)).toBe('203.0.113.5');
  });

  it('cannot be forged without the key', async () => {
    const headers = { 'x-reveille-edge': 'guess', 'x-forwarded-for': '10.0.0.1, 203.0.113.5, 192.0.2.7' };
    expect(await sourceOf(headers)).toBe('192.0.2.7');
  });

  it('is the address that connects, whatever the headers say, in a stack without CloudFront', async () => {
    const forwarded = { 'x-forwarded-for': '10.0.0.1, 203.0.113.5, 192.0.2.7' };
    for (const key of ['', 'edge-key', 'undefined']) {
      expect(await ask('/without-edge', { ...forwarded, 'x-reveille-edge': key })).toBe('192.0.2.7');
    }
  });

  it('is the address that connects, when CloudFront appends none', async () => {
    expect(await sourceOf({ 'x-reveille-edge': 'edge-key' })).toBe('192.0.2.7');
  });
});

describe('the id of a request', () => {
  it("is API Gateway's, whatever ids the caller sends", async () => {
    const chosen = { 'x-request-id': 'mine', 'x-amzn-requestid': 'mine', 'x-amzn-trace-id': 'mine' };
    expect(await ask('/id', chosen)).toBe('id-of-the-gateway');
    const context = { 'x-amzn-request-context': '{"requestId":"mine"}' };
    expect(await ask('/id', context)).toBe('id-of-the-gateway');
  });
});
