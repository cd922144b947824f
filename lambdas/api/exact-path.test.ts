import { Hono } from 'hono';
import { handle, type LambdaEvent } from 'hono/aws-lambda';
import { describe, expect, it } from 'vitest';
import { exactPath } from './exact-path.ts';

const app = new Hono()
  .get('/things', (c) => c.text('the list'))
  .get('/things/:id', (c) => c.text(c.req.param('id')));

/** Returns the app's response to a path as an HTTP API passes it on. */
const answerTo = async (rawPath: string): Promise<string> => {
  const event = {
    version: '2.0',
    rawPath: exactPath(rawPath),
    rawQueryString: '',
    headers: {},
    isBase64Encoded: false,
    requestContext: { domainName: 'api.test', http: { method: 'GET' } },
  };
  const { body } = await handle(app)(event as unknown as LambdaEvent);
  return body;
};

describe('exactPath', () => {
  it.each(['\u0000', ' ', '\n', '\t', '?', '#', '\\', '%20'])(
    'finds nothing at a path that ends in %j',
    async (end) => {
      expect(await answerTo('/things')).toBe('the list');
      expect(await answerTo(`/things${end}`)).toBe('404 Not Found');
    },
  );

  it.each(['a', 'a b', '50%25', 'what?', 'a#b', 'é', 'a+b', 'a:b@c'])('keeps %j in a path', async (id) => {
    expect(await answerTo(`/things/${id}`)).toBe(id);
  });
});
