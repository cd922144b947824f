/** Routes of registration tokens, for machines that register as runners: of a project, and global. */
import type { Context } from 'hono';
import type * as z from 'zod';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuse, refuseUnknown } from '../refuse.ts';
import { answer, created, describe, jsonBody, noContent, people, routes } from '../route.ts';
import {
  inGlobalRegistrationToken,
  inNothing,
  inProject,
  inRegistrationToken,
  listOf,
  registrationTokenInputSchema,
  registrationTokenRecordSchema,
  registrationTokenSchema,
} from '../schemas.ts';
import { poolIn } from './scope.ts';

interface Place {
  readonly path: string;
  readonly tag: string;
  /** Prefix such as "Project" for operation ids. */
  readonly name: string;
  readonly params: z.ZodObject;
  readonly itemParams: z.ZodObject;
}

const routesAt = (deps: ApiDeps, { path, tag, name, params, itemParams }: Place) => {
  const shared = { tags: [tag], security: people };
  const find = async (c: Context) => {
    const pool = poolIn(c.req.param());
    return pool === 'global' || (await deps.projects.get(pool)) ? pool : undefined;
  };
  return routes<PersonEnv>()
    .openapi(
      describe({
        ...shared,
        method: 'get',
        path,
        operationId: `list${name}RegistrationTokens`,
        summary: 'List the registration tokens that are still good',
        request: { params },
        responses: { 200: answer('The tokens, oldest first', listOf(registrationTokenRecordSchema)) },
      }),
      async (c) => {
        const pool = await find(c);
        if (!pool) return refuseUnknown(c, 'project');
        return c.json({ items: await deps.registrationTokens.list(pool) }, 200);
      },
    )
    .openapi(
      describe({
        ...shared,
        method: 'post',
        path,
        operationId: `create${name}RegistrationToken`,
        summary: 'Create a registration token',
        description: 'It is shown only now.',
        request: { params, body: jsonBody(registrationTokenInputSchema) },
        responses: { 201: created('The token', registrationTokenSchema) },
      }),
      async (c) => {
        const pool = await find(c);
        if (!pool) return refuseUnknown(c, 'project');
        const input = c.req.valid('json');
        if (pool === 'global' && input.tags.length > 0) {
          return refuse(c, 'invalid_request', 'A global runner has no tags.', [
            { path: 'tags', message: 'must be empty on a global runner' },
          ]);
        }
        const made = await deps.registrationTokens.create(pool, input, c.get('caller').onBehalfOf);
        return c.json(made, 201, { location: `${c.req.path}/${made.id}` });
      },
    )
    .openapi(
      describe({
        ...shared,
        method: 'delete',
        path: `${path}/{registrationTokenId}`,
        operationId: `revoke${name}RegistrationToken`,
        summary: 'Revoke a registration token; runners that registered with it stay',
        request: { params: itemParams },
        responses: { 204: noContent('It is good for nothing') },
      }),
      async (c) => {
        const params = c.req.param();
        return (await deps.registrationTokens.revoke(poolIn(params), params.registrationTokenId ?? ''))
          ? c.body(null, 204)
          : refuseUnknown(c, 'registration token');
      },
    );
};

export const projectRegistrationTokenRoutes = (deps: ApiDeps) =>
  routesAt(deps, {
    path: '/api/projects/{projectId}/registration-tokens',
    tag: 'Runners',
    name: 'Project',
    params: inProject,
    itemParams: inRegistrationToken,
  });

export const globalRegistrationTokenRoutes = (deps: ApiDeps) =>
  routesAt(deps, {
    path: '/api/registration-tokens',
    tag: 'Global runners',
    name: 'Global',
    params: inNothing,
    itemParams: inGlobalRegistrationToken,
  });
