/** Makes routes from the endpoint table, with the problems that each can answer. */

import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context, Env } from 'hono';
import { matchedRoutes } from 'hono/route';
import * as z from 'zod';
import type { Access, Endpoint } from '../../protocol/endpoints/endpoint.ts';
import { type ProblemCode, problem, problemMediaType, statusOf } from '../../protocol/index.ts';
import { issueText } from '../core/issue-text.ts';
import { refuseInvalid } from './refuse.ts';

// Sets it for all schemas of this process: hono's validator offers no other way.
z.config({ customError: issueText });

/** A collection of routes; a schema's refusal is answered with a problem. */
export const routes = <E extends Env>() =>
  new OpenAPIHono<E>({
    defaultHook: (result, c) => (result.success ? undefined : refuseInvalid(c, result.target, result.error)),
  });

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

/**
 * Makes the route of an endpoint, with its problems: its own, those of a body or a token, and as the default
 * any other.
 */
export const routeOf = <const E extends Endpoint>({ access, tag, problems = [], ...route }: E) => {
  const accepted = schemes[access];
  const implied: readonly ProblemCode[] = [
    ...(route.request?.body ? bodyProblems : []),
    ...(route.request?.query ? (['invalid_request'] as const) : []),
    ...(route.request?.params ? (['not_found'] as const) : []),
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
  return {
    ...route,
    tags: [tag],
    security: accepted.map((scheme) => ({ [scheme]: [] })),
    responses: { ...route.responses, ...anyOther },
  };
};
