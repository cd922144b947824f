/** Makes routes from the endpoint table, with the problems that each can answer. */

import type { RouteConfig, RouteHandler } from '@hono/zod-openapi';
import { zValidator } from '@hono/zod-validator';
import { type Context, type Env, Hono, type MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { matchedRoutes } from 'hono/route';
import * as z from 'zod';
import type { Access, Endpoint } from '../../protocol/endpoints/endpoint.ts';
import { type ProblemCode, problem, problemMediaType, statusOf } from '../../protocol/index.ts';
import { issueText } from '../core/issue-text.ts';
import { refuseInvalid } from './refuse.ts';

// Sets it for all schemas of this process: hono's validator offers no other way.
z.config({ customError: issueText });

const jsonMedia = /^application\/([a-z.-]+\+)?json(;\s*[a-z0-9-]+=[^;]+)*$/i;

/** Refuses a body that is not JSON; the answer to its error has the problem. */
const requireJson: MiddlewareHandler = async (c, next) => {
  const type = c.req.header('content-type');
  const isRefused = type === undefined ? (await c.req.arrayBuffer()).byteLength > 0 : !jsonMedia.test(type);
  if (isRefused) throw new HTTPException(415);
  await next();
};

/** Validates a part of the request; a schema's refusal is answered with a problem. */
const validate = (target: 'param' | 'query' | 'header' | 'json', schema: z.ZodType): MiddlewareHandler =>
  zValidator(target, schema, (result, c) =>
    result.success ? undefined : refuseInvalid(c, target, result.error),
  );

const validatorsOf = ({ params, query, headers, body }: Endpoint['request'] = {}): MiddlewareHandler[] => [
  ...(headers ? [validate('header', headers)] : []),
  ...(query ? [validate('query', query)] : []),
  ...(params ? [validate('param', params)] : []),
  ...(body ? [requireJson, validate('json', body.content['application/json'].schema)] : []),
];

/** A route of the API, in the form of zod-openapi. */
export type Route = RouteConfig & Pick<Endpoint, 'method' | 'path' | 'request'>;

/**
 * A collection of routes. They have the types of zod-openapi, whose code is read only for the document: it
 * takes a tenth of the time in which the API loads.
 */
export class Routes<E extends Env> extends Hono<E> {
  /** All routes here and in the collections that were added. */
  readonly described: Route[] = [];

  /** Adds a route, whose handler gets the parts of the request as its schemas parse them. */
  openapi<R extends Route>(route: R, handler: RouteHandler<R, E>): this {
    this.described.push(route);
    const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1');
    this.on([route.method], [path], ...validatorsOf(route.request));
    this.on([route.method], [path], handler);
    return this;
  }

  /** Adds all routes of a collection. */
  add<F extends Env>(others: Routes<F>): this {
    this.described.push(...others.described);
    this.route('/', others);
    return this;
  }
}

export const routes = <E extends Env>() => new Routes<E>();

/** Returns the route whose handler answers a request, beyond middleware; undefined without one. */
export const handlerRoute = (c: Context) => matchedRoutes(c).findLast(({ method }) => method !== 'ALL');

const people = ['apiToken', 'signIn'] as const;

/** Names of the security schemes in the document, by access; one of them is needed. */
const schemes: Readonly<Record<Access, readonly string[]>> = {
  anybody: [],
  machine: [],
  registration_token: ['registrationToken'],
  runner_token: ['runnerToken'],
  agent_session: ['agentSession'],
  person: people,
  guest: people,
  task_runner: people,
  manager: people,
  owner: people,
  admin: people,
};

const problemContent = { [problemMediaType]: { schema: problem } } as const;
interface ProblemAnswer {
  description: string;
  content: { readonly 'application/problem+json': { schema: typeof problem } };
}

const bodyProblems: readonly ProblemCode[] = [
  'malformed_json',
  'body_too_large',
  'unsupported_media_type',
  'invalid_request',
];

/** The problems of an endpoint in the form of its other answers: its own, those implied, and any other. */
const problemAnswers = ({ access, request, problems = [] }: Endpoint) => {
  const accepted = schemes[access];
  const implied: readonly ProblemCode[] = [
    ...(request?.body ? bodyProblems : []),
    ...(request?.query ? (['invalid_request'] as const) : []),
    ...(request?.params ? (['not_found'] as const) : []),
    ...(accepted.length > 0 ? (['unauthenticated'] as const) : []),
    ...(accepted === people ? (['forbidden'] as const) : []),
  ];
  const all = [...new Set([...implied, ...problems])];
  const byStatus = Map.groupBy(all, statusOf);
  const answers: Record<string, ProblemAnswer> = Object.fromEntries(
    [...byStatus].map(([status, same]) => [
      status,
      { description: same.map((code) => `\`${code}\``).join(', '), content: problemContent },
    ]),
  );
  const anyOther: { default: ProblemAnswer } = {
    default: { description: 'Any other problem', content: problemContent },
    ...answers,
  };
  return anyOther;
};

/** Makes the route of an endpoint. Only the document reads the answers, so they are made for it. */
export const routeOf = <const E extends Endpoint>(endpoint: E) => {
  const { access, tag, problems: _made, ...route } = endpoint;
  return {
    ...route,
    tags: [tag],
    security: schemes[access].map((scheme) => ({ [scheme]: [] })),
    get responses(): E['responses'] & ReturnType<typeof problemAnswers> {
      return { ...endpoint.responses, ...problemAnswers(endpoint) };
    },
  };
};
