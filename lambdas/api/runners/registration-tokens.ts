import type { Context } from 'hono';
import type { RunnerEndpoints } from '../../../protocol/endpoints/runners.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuse, refuseUnknown } from '../refuse.ts';
import { routeOf, routes } from '../route.ts';
import { poolIn } from './scope.ts';

export const registrationTokenRoutes = (deps: ApiDeps, endpoints: RunnerEndpoints) => {
  const find = async (c: Context) => {
    const pool = poolIn(c.req.param());
    return pool === 'global' || (await deps.projects.get(pool)) ? pool : undefined;
  };
  return routes<PersonEnv>()
    .openapi(routeOf(endpoints.listRegistrationTokens), async (c) => {
      const pool = await find(c);
      if (!pool) return refuseUnknown(c, 'project');
      return c.json({ items: await deps.registrationTokens.list(pool) }, 200);
    })
    .openapi(routeOf(endpoints.createRegistrationToken), async (c) => {
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
    })
    .openapi(routeOf(endpoints.revokeRegistrationToken), async (c) => {
      const params = c.req.param();
      return (await deps.registrationTokens.revoke(poolIn(params), params.registrationTokenId ?? ''))
        ? c.body(null, 204)
        : refuseUnknown(c, 'registration token');
    });
};
