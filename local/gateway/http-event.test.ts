import { describe, expect, it } from 'vitest';
import { type HttpRequest, toHttpAnswer, toHttpEvent } from './http-event.ts';

const at = new Date('2026-03-12T19:03:58.000Z');
const aRequest = (over: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'POST',
  url: '/api/tasks',
  headers: { host: 'localhost:8787', 'content-type': 'application/json' },
  body: Buffer.from('{}'),
  sourceIp: '127.0.0.1',
  ...over,
});
const eventOf = (over: Partial<HttpRequest> = {}) => toHttpEvent(aRequest(over), '$default', 'local', at);

describe('the event of an HTTP request', () => {
  it('has the shape of payload format 2.0', () => {
    expect(eventOf()).toMatchObject({
      version: '2.0',
      routeKey: '$default',
      rawPath: '/api/tasks',
      rawQueryString: '',
      headers: { host: 'localhost:8787' },
      requestContext: {
        domainName: 'localhost:8787',
        http: { method: 'POST', path: '/api/tasks', sourceIp: '127.0.0.1' },
        stage: '$default',
        time: '12/Mar/2026:19:03:58 +0000',
        timeEpoch: at.getTime(),
      },
      body: '{}',
      isBase64Encoded: false,
    });
  });

  it('joins the values of a query parameter, and keeps the raw query', () => {
    expect(eventOf({ url: '/a%20b?x=1&x=2&y=%26' })).toMatchObject({
      rawPath: '/a b',
      rawQueryString: 'x=1&x=2&y=%26',
      queryStringParameters: { x: '1,2', y: '&' },
    });
  });

  it('moves cookies out of the headers', () => {
    const event = eventOf({ headers: { cookie: 'a=1; b=2' } });
    expect(event.cookies).toEqual(['a=1', 'b=2']);
    expect(event.headers).toEqual({});
  });

  it.each(['image/png', 'application/x-www-form-urlencoded', 'application/problem+json', undefined])(
    'carries a body of the type %s as base64',
    (type) => {
      const event = eventOf({ headers: { 'content-type': type }, body: Buffer.from([0, 255]) });
      expect(event).toMatchObject({ isBase64Encoded: true, body: 'AP8=' });
    },
  );

  it.each(['application/json; charset=ISO-8859-1', 'text/plain'])(
    'carries a body of the type %s as UTF-8 text, and loses other bytes',
    (type) => {
      const event = eventOf({ headers: { 'content-type': type }, body: Buffer.from([0x41, 0xeb]) });
      expect(event).toMatchObject({ isBase64Encoded: false, body: 'A\uFFFD' });
    },
  );

  it('omits an empty body', () => {
    expect(eventOf({ body: Buffer.alloc(0) })).not.toHaveProperty('body');
  });
});

describe('the answer to an HTTP request', () => {
  it('has the status, headers, cookies and body of the result', () => {
    const answer = toHttpAnswer({
      statusCode: 201,
      headers: { Location: '/x' },
      cookies: ['a=1'],
      body: 'made',
    });
    expect(answer).toEqual({
      status: 201,
      headers: { location: '/x', 'set-cookie': ['a=1'] },
      body: Buffer.from('made'),
    });
  });

  it('decodes a base64 body', () => {
    expect(toHttpAnswer({ statusCode: 200, body: 'AP8=', isBase64Encoded: true }).body).toEqual(
      Buffer.from([0, 255]),
    );
  });

  it('is a 200 with the result as JSON when the result has no status code', () => {
    expect(toHttpAnswer({ a: 1 })).toMatchObject({ status: 200, body: Buffer.from('{"a":1}') });
  });
});
