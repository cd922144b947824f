import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { limitConcurrency } from '../functions/concurrency.ts';
import type { Invoke } from '../functions/pool.ts';
import { FunctionError } from '../functions/sandbox.ts';
import { listenOnLoopback, stopServer } from '../http-server.ts';
import { checkRoutes, findRoute, makeHttpApi } from './http-api.ts';

const undo: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0)) await step();
});

const serve = async (invoke: Invoke, timeoutMs = 1000): Promise<string> => {
  const routes = [{ routeKey: '$default', timeoutMs, invoke }];
  const server = createServer(
    makeHttpApi({ apiId: 'local', routes, now: () => new Date(), onRequest: () => () => {} }),
  );
  const port = await listenOnLoopback(server, 0);
  undo.push(() => stopServer(server));
  return `http://127.0.0.1:${port}`;
};

describe('the HTTP API', () => {
  it('answers with the response of its function', async () => {
    const url = await serve(async (event) => ({ statusCode: 202, body: JSON.stringify(event) }));
    const answer = await fetch(`${url}/x?y=1`, { method: 'POST', body: 'hello' });
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({ rawPath: '/x', rawQueryString: 'y=1', body: 'hello' });
  });

  it('answers 503 while the executions of the account are all in use', async () => {
    const limited = limitConcurrency(1);
    const began = Promise.withResolvers<void>();
    const held = Promise.withResolvers<object>();
    const url = await serve(
      limited(() => {
        began.resolve();
        return held.promise;
      }),
    );
    const first = fetch(url);
    await began.promise;
    expect((await fetch(url)).status).toBe(503);
    held.resolve({ statusCode: 204 });
    expect((await first).status).toBe(204);
    expect((await fetch(url)).status).toBe(204);
  });

  it('answers 500 for a failed function, and 503 for a late one', async () => {
    const failing = await serve(async () => {
      throw new FunctionError('Error', 'oh');
    });
    expect((await fetch(failing)).status).toBe(500);
    const late = await serve(() => new Promise(() => {}), 10);
    expect((await fetch(late)).status).toBe(503);
  });

  it('answers 413 to a body of more than 10 MB', async () => {
    const url = await serve(async () => 'never');
    const answer = await fetch(url, { method: 'POST', body: Buffer.alloc(10 * 1024 * 1024 + 1) }).catch(
      // The connection may end before the whole body is sent.
      () => undefined,
    );
    expect(answer?.status ?? 413).toBe(413);
  });
});

describe('routes', () => {
  const routes = [{ routeKey: '$default' }, { routeKey: 'POST /hook' }, { routeKey: 'ANY /any' }];

  it.each([
    ['POST', '/hook', 'POST /hook'],
    ['GET', '/hook', '$default'],
    ['PUT', '/any', 'ANY /any'],
    ['GET', '/', '$default'],
  ])('map %s %s to %s', (method, path, routeKey) => {
    expect(findRoute(routes, method, path)).toEqual({ routeKey });
  });

  it('with variables are rejected', () => {
    expect(() => checkRoutes([{ routeKey: 'GET /x/{id}' }])).toThrow('GET /x/{id}');
  });
});
