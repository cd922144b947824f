/** Enforces the access of each endpoint; no other place does. */

import type { Context, MiddlewareHandler } from 'hono';
import { paramsIn } from '../../protocol/endpoints/call.ts';
import type { Endpoint } from '../../protocol/endpoints/endpoint.ts';
import { endpoints } from '../../protocol/endpoints/index.ts';
import { roleIn } from '../../protocol/index.ts';
import { mayCall, outlivesCaller } from '../core/people/permissions.ts';
import type { ApiDeps, PersonEnv } from './deps.ts';
import { refuseNobody, safeMethods } from './identify.ts';
import { bearerToken } from './middleware.ts';
import { refuse, refuseUnknown } from './refuse.ts';
import { handlerRoute } from './route.ts';

const routeKey = (method: string, path: string): string => `${method.toUpperCase()} ${path}`;

const byRoute: ReadonlyMap<string, Endpoint> = new Map(
  endpoints.map((one) => [routeKey(one.method, one.path.replaceAll(/\{(\w+)\}/g, ':$1')), one]),
);

/** Returns the endpoint of a request's matched route; undefined without a route. */
export const endpointOf = (c: Context): Endpoint | undefined => {
  const handler = handlerRoute(c);
  if (!handler) return undefined;
  const found = byRoute.get(routeKey(handler.method, handler.path));
  if (!found) throw new Error(`${handler.method} ${handler.path} is not in the endpoint table.`);
  return found;
};

/**
 * Lets through what the endpoint's access permits. A caller without a role in a project gets "no such
 * project", so that projects of others stay hidden.
 */
export const authorize =
  ({ apiTokens }: Pick<ApiDeps, 'apiTokens'>): MiddlewareHandler<PersonEnv> =>
  async (c, next) => {
    const endpoint = endpointOf(c);
    if (endpoint === undefined) return next();
    const projectId = paramsIn(endpoint, c.req.path).projectId;
    const role = roleIn(c.get('caller'), projectId);
    if (!mayCall(role, endpoint)) {
      if (projectId !== undefined && role === undefined) return refuseUnknown(c, 'project');
      const needed = endpoint.access;
      return refuse(
        c,
        'forbidden',
        needed === 'admin'
          ? 'Only an admin of the stack may do this. Ask an admin.'
          : `This needs the role ${needed} in the project, and you have the role ${role}. Ask an owner of the project.`,
      );
    }
    const token = bearerToken(c.req.header('authorization'));
    // A revoked token may still be remembered for a moment; it must not create anything that outlives it.
    if (token && !safeMethods.has(c.req.method) && outlivesCaller(endpoint)) {
      if (!(await apiTokens.verify(token))) return refuseNobody(c);
    }
    c.set('role', role);
    return next();
  };
