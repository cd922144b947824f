/** Building blocks for route descriptions: bodies, responses, problems, and the required token. */
import { OpenAPIHono, type RouteConfig } from '@hono/zod-openapi';
import type { Context, Env } from 'hono';
import { matchedRoutes } from 'hono/route';
import * as z from 'zod';
import { problemMediaType } from '../../protocol/index.ts';
import { issueText } from '../core/issue-text.ts';
import { type ProblemCode, statusOf } from '../problems.ts';
import { refuseInvalid } from './refuse.ts';
import { problemSchema } from './schemas.ts';

// Sets it for all schemas of this process: hono's validator offers no other way.
z.config({ customError: issueText });

/** Names of the security schemes in the document. */
export const people = [{ apiToken: [] }, { signIn: [] }];
export const runnerOnly = [{ runnerToken: [] }];
export const sessionOnly = [{ agentSession: [] }];
export const registrationOnly = [{ registrationToken: [] }];
export const anybody = [];

/** A collection of routes; a schema's refusal is answered with a problem. */
export const routes = <E extends Env>() =>
  new OpenAPIHono<E>({
    defaultHook: (result, c) => (result.success ? undefined : refuseInvalid(c, result.target, result.error)),
  });

/** Returns the route whose handler answers a request, beyond middleware; undefined without one. */
export const handlerRoute = (c: Context) => matchedRoutes(c).findLast(({ method }) => method !== 'ALL');

export const jsonBody = <T extends z.ZodType>(schema: T) => ({
  content: { 'application/json': { schema } },
  required: true as const,
});

export const answer = <T extends z.ZodType>(description: string, schema: T) => ({
  description,
  content: { 'application/json': { schema } },
});

/** Response of a creation, with the location of the new object. */
export const created = <T extends z.ZodType>(description: string, schema: T) => ({
  ...answer(description, schema),
  headers: { Location: { description: 'The path of what was made', schema: { type: 'string' as const } } },
});

export const noContent = (description: string) => ({ description });

const problemContent = { [problemMediaType]: { schema: problemSchema } } as const;
interface ProblemAnswer {
  description: string;
  content: { readonly 'application/problem+json': { schema: typeof problemSchema } };
}

const bodyProblems: readonly ProblemCode[] = [
  'malformed_json',
  'body_too_large',
  'unsupported_media_type',
  'invalid_request',
];

/** Describes a route and its problems: `codes`, those of a body or a token, and as the default any other. */
export const describe = <const R extends RouteConfig>(route: R, ...codes: readonly ProblemCode[]) => {
  const implied: readonly ProblemCode[] = [
    ...(route.request?.body ? bodyProblems : []),
    ...(route.request?.query ? (['invalid_request'] as const) : []),
    ...(route.request?.params ? (['not_found'] as const) : []),
    ...(route.security?.length ? (['unauthenticated'] as const) : []),
    ...(route.security === people ? (['forbidden'] as const) : []),
  ];
  const all = [...new Set([...implied, ...codes])];
  const byStatus = Map.groupBy(all, statusOf);
  const problems: Record<string, ProblemAnswer> = Object.fromEntries(
    [...byStatus].map(([status, same]) => [
      status,
      { description: same.map((code) => `\`${code}\``).join(', '), content: problemContent },
    ]),
  );
  const anyOther: { default: ProblemAnswer } = {
    default: { description: 'Any other problem', content: problemContent },
    ...problems,
  };
  return { ...route, responses: { ...route.responses, ...anyOther } };
};
