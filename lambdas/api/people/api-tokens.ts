/** Routes of API tokens: a project's, with a role in it, and the stack's, which only admins may use. */
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuseUnknown } from '../refuse.ts';
import { answer, created, describe, jsonBody, noContent, people, routes } from '../route.ts';
import {
  adminTokenInputSchema,
  apiTokenInputSchema,
  apiTokenSchema,
  inAdminToken,
  inApiToken,
  inProject,
  listOf,
  newApiTokenSchema,
} from '../schemas.ts';

const shared = { tags: ['Members'], security: people };
const ofProject = '/api/projects/{projectId}/api-tokens';
const ofStack = '/api/api-tokens';
const shownOnce = 'The token is shown only now.';
const revoked = 'Revoked: good for nothing within half a minute';

export const apiTokenRoutes = (deps: ApiDeps) =>
  routes<PersonEnv>()
    .openapi(
      describe({
        ...shared,
        method: 'get',
        path: ofProject,
        operationId: 'listApiTokens',
        summary: 'List the API tokens of a project',
        request: { params: inProject },
        responses: { 200: answer('The tokens, oldest first', listOf(apiTokenSchema)) },
      }),
      async (c) => {
        const { projectId } = c.req.valid('param');
        if (!(await deps.projects.get(projectId))) return refuseUnknown(c, 'project');
        return c.json({ items: await deps.apiTokens.list(projectId) }, 200);
      },
    )
    .openapi(
      describe({
        ...shared,
        method: 'post',
        path: ofProject,
        operationId: 'createApiToken',
        summary: 'Create an API token with a role in the project',
        description: shownOnce,
        request: { params: inProject, body: jsonBody(apiTokenInputSchema) },
        responses: { 201: created('The token', newApiTokenSchema) },
      }),
      async (c) => {
        const { projectId } = c.req.valid('param');
        if (!(await deps.projects.get(projectId))) return refuseUnknown(c, 'project');
        const { name, role, expiresInMs } = c.req.valid('json');
        const made = await deps.apiTokens.create({
          name,
          grant: { projectId, role },
          expiresInMs,
          maker: c.get('caller').onBehalfOf,
        });
        return c.json(made, 201, { location: `${c.req.path}/${made.id}` });
      },
    )
    .openapi(
      describe({
        ...shared,
        method: 'delete',
        path: `${ofProject}/{apiTokenId}`,
        operationId: 'revokeApiToken',
        summary: 'Revoke an API token of the project',
        request: { params: inApiToken },
        responses: { 204: noContent(revoked) },
      }),
      async (c) => {
        const { projectId, apiTokenId } = c.req.valid('param');
        return (await deps.apiTokens.revoke(projectId, apiTokenId))
          ? c.body(null, 204)
          : refuseUnknown(c, 'API token');
      },
    )
    .openapi(
      describe({
        ...shared,
        method: 'get',
        path: ofStack,
        operationId: 'listAdminTokens',
        summary: "List the stack's API tokens",
        responses: { 200: answer('The tokens, oldest first', listOf(apiTokenSchema)) },
      }),
      async (c) => c.json({ items: await deps.apiTokens.list(undefined) }, 200),
    )
    .openapi(
      describe({
        ...shared,
        method: 'post',
        path: ofStack,
        operationId: 'createAdminToken',
        summary: 'Create an API token that may do everything',
        description: shownOnce,
        request: { body: jsonBody(adminTokenInputSchema) },
        responses: { 201: created('The token', newApiTokenSchema) },
      }),
      async (c) => {
        const made = await deps.apiTokens.create({
          ...c.req.valid('json'),
          maker: c.get('caller').onBehalfOf,
        });
        return c.json(made, 201, { location: `${ofStack}/${made.id}` });
      },
    )
    .openapi(
      describe({
        ...shared,
        method: 'delete',
        path: `${ofStack}/{apiTokenId}`,
        operationId: 'revokeAdminToken',
        summary: "Revoke one of the stack's API tokens",
        request: { params: inAdminToken },
        responses: { 204: noContent(revoked) },
      }),
      async (c) =>
        (await deps.apiTokens.revoke(undefined, c.req.valid('param').apiTokenId))
          ? c.body(null, 204)
          : refuseUnknown(c, 'API token'),
    );
