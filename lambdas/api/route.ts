/** What the descriptions of routes are made of: bodies, answers, problems, and whose token they take. */
import { OpenAPIHono, type RouteConfig } from '@hono/zod-openapi';
import type { Context, Env } from 'hono';
import { matchedRoutes } from 'hono/route';
import * as z from 'zod';
import { problemMediaType } from '../../protocol/index.ts';
import { issueText } from '../core/issue-text.ts';
import { type ProblemCode, statusOf } from '../problems.ts';
import { refuseInvalid } from './refuse.ts';
import { problemSchema } from './schemas.ts';

// Of all schemas of this process, as hono's validator leaves no other way.
z.config({ customError: issueText });

/** The names of the security schemes in the document. */
export const people = [{ apiToken: [] }, { signIn: [] }];
export const runnerOnly = [{ runnerToken: [] }];
export const sessionOnly = [{ agentSession: [] }];
export const registrationOnly = [{ registrationToken: [] }];
export const anybody = [];

/** A collection of routes; what their schemas refuse is answered with a problem. */
export const routes = <E extends Env>() =>
  new OpenAPIHono<E>({
    defaultHook: (result, c) => (result.success ? undefined : refuseInvalid(c, result.target, result.error)),
  });

/** The route whose handler answers a request, beyond middleware; undefined where nothing does. */
export const handlerRoute = (c: Context) => matchedRoutes(c).findLast(({ method }) => method !== 'ALL');

export const jsonBody = <T extends z.ZodType>(schema: T) => ({
  content: { 'application/json': { schema } },
  required: true as const,
});

export const answer = <T extends z.ZodType>(description: string, schema: T) => ({
  description,
  content: { 'application/json': { schema } },
});

/** The answer of a creation, which says where the new thing is. */
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

/**
 * Describes a route and the problems that it may answer with: `codes`, those that come with a body or a token, and as the
 * default any other.
 */
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
