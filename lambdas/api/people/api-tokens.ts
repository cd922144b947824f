/** Routes of API tokens: a project's, with a role in it, and the stack's, which only admins may use. */
import * as endpoints from '../../../protocol/endpoints/people.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuseUnknown } from '../refuse.ts';
import { routeOf, routes } from '../route.ts';

export const apiTokenRoutes = (deps: ApiDeps) =>
  routes<PersonEnv>()
    .openapi(routeOf(endpoints.listApiTokens), async (c) => {
      const { projectId } = c.req.valid('param');
      if (!(await deps.projects.get(projectId))) return refuseUnknown(c, 'project');
      return c.json({ items: await deps.apiTokens.list(projectId) }, 200);
    })
    .openapi(routeOf(endpoints.createApiToken), async (c) => {
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
    })
    .openapi(routeOf(endpoints.revokeApiToken), async (c) => {
      const { projectId, apiTokenId } = c.req.valid('param');
      return (await deps.apiTokens.revoke(projectId, apiTokenId))
        ? c.body(null, 204)
        : refuseUnknown(c, 'API token');
    })
    .openapi(routeOf(endpoints.listAdminTokens), async (c) =>
      c.json({ items: await deps.apiTokens.list(undefined) }, 200),
    )
    .openapi(routeOf(endpoints.createAdminToken), async (c) => {
      const made = await deps.apiTokens.create({
        ...c.req.valid('json'),
        maker: c.get('caller').onBehalfOf,
      });
      return c.json(made, 201, { location: `${c.req.path}/${made.id}` });
    })
    .openapi(routeOf(endpoints.revokeAdminToken), async (c) =>
      (await deps.apiTokens.revoke(undefined, c.req.valid('param').apiTokenId))
        ? c.body(null, 204)
        : refuseUnknown(c, 'API token'),
    );
