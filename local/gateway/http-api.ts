/** The HTTP API of the stack: finds the route of a request and invokes its function. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Throttled } from '../functions/concurrency.ts';
import type { Invoke } from '../functions/pool.ts';
import { FunctionError } from '../functions/sandbox.ts';
import { sinceNow, startLimit } from '../functions/time-limits.ts';
import type { RouteSpec } from '../template/stack-spec.ts';
import { readBody } from './gateway.ts';
import { type HttpAnswer, toHttpAnswer, toHttpEvent } from './http-event.ts';

export interface Route extends Pick<RouteSpec, 'routeKey' | 'timeoutMs'> {
  readonly invoke: Invoke;
}

export interface HttpApiOptions {
  readonly apiId: string;
  readonly routes: readonly Route[];
  readonly now: () => Date;
  /** Called with the method and path of each request. Its result is called when the request is answered. */
  readonly onRequest: (route: string) => () => void;
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
const maxBodyBytes = 10 * 1024 * 1024;

const message = (status: number, text: string): HttpAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify({ message: text })),
});

/** Finds an exact route first, then the one for any method, then `$default`. */
export const findRoute = <T extends { readonly routeKey: string }>(
  routes: readonly T[],
  method: string,
  path: string,
): T | undefined =>
  [`${method} ${path}`, `ANY ${path}`, '$default']
    .map((wanted) => routes.find(({ routeKey }) => routeKey === wanted))
    .find((route) => route !== undefined);

/** Rejects a route with a path variable at the start: `findRoute` would never find it. */
export const checkRoutes = (routes: readonly Pick<RouteSpec, 'routeKey'>[]): void => {
  const unknown = routes.find(({ routeKey }) => routeKey.includes('{'));
  if (unknown) {
    throw new Error(`The stack on one machine knows no routes with variables (${unknown.routeKey}).`);
  }
};

/** Answers requests as the HTTP API does; the caller owns the server. */
export const makeHttpApi = ({ apiId, routes, now, onRequest }: HttpApiOptions): RequestListener => {
  checkRoutes(routes);

  const answerTo = async (request: IncomingMessage): Promise<HttpAnswer> => {
    const body = await readBody(request, maxBodyBytes);
    if (!body) return message(413, 'Request Entity Too Large');
    const { method = 'GET', url = '/', headers } = request;
    const [path = '/'] = url.split('?');
    const end = onRequest(`${method} ${path}`);
    try {
      const route = findRoute(routes, method, path);
      if (!route) return message(404, 'Not Found');
      const sourceIp = request.socket.remoteAddress ?? '127.0.0.1';
      const event = toHttpEvent({ method, url, headers, body, sourceIp }, route.routeKey, apiId, now());
      return toHttpAnswer(await withinTimeout(route.invoke(event), route.timeoutMs));
    } catch (error) {
      if (error === timedOut || error instanceof Throttled) return message(503, 'Service Unavailable');
      if (error instanceof FunctionError) return message(500, 'Internal Server Error');
      throw error;
    } finally {
      end();
    }
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { status, headers, body } = await answerTo(request);
    if (status === 413) response.setHeader('connection', 'close');
    response.writeHead(status, { ...headers, 'content-length': body.length });
    response.end(request.method === 'HEAD' ? undefined : body);
  };

  return (request, response) => {
    handle(request, response).catch(() => response.destroy());
  };
};

const timedOut = Symbol('timed out');

const withinTimeout = async <T>(result: Promise<T>, timeoutMs: number): Promise<T> => {
  const late = Promise.withResolvers<never>();
  const callOff = startLimit(timeoutMs, sinceNow(), () => late.reject(timedOut));
  try {
    return await Promise.race([result, late.promise]);
  } finally {
    callOff();
  }
};
