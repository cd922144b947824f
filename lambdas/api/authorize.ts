/** Enforces the table of permissions; no other place does. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';
import { mayCall, outlivesCaller, permissions, roleIn } from '../core/people/permissions.ts';
import type { ApiDeps, ApiEnv, PersonEnv } from './deps.ts';
import { refuseNobody, safeMethods } from './identify.ts';
import { bearerToken } from './middleware.ts';
import { refuse, refuseUnknown } from './refuse.ts';
import { handlerRoute } from './route.ts';

/** Returns the operation id of a request's matched route; undefined without a route. */
export const findOperation = (app: OpenAPIHono<ApiEnv>): ((c: Context) => string | undefined) => {
  let ids: ReadonlyMap<string, string> | undefined;
  const read = () =>
    new Map(
      app.openAPIRegistry.definitions.flatMap((one): [string, string][] =>
        one.type === 'route'
          ? [
              [
                `${one.route.method.toUpperCase()} ${one.route.path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
                one.route.operationId ?? '',
              ],
            ]
          : [],
      ),
    );
  return (c) => {
    ids ??= read();
    const handler = handlerRoute(c);
    return handler && (ids.get(`${handler.method} ${handler.path}`) ?? '');
  };
};

const projectPath = /^\/api\/projects\/([^/]+)/;

/**
 * Lets through what the table permits. A caller without a role in a project gets "no such project", so that
 * projects of others stay hidden.
 */
export const authorize =
  (
    { apiTokens }: Pick<ApiDeps, 'apiTokens'>,
    operationOf: ReturnType<typeof findOperation>,
  ): MiddlewareHandler<PersonEnv> =>
  async (c, next) => {
    const operationId = operationOf(c);
    if (operationId === undefined) return next();
    const projectId = projectPath.exec(c.req.path)?.[1];
    const role = roleIn(c.get('caller'), projectId);
    if (!mayCall(role, operationId)) {
      if (projectId !== undefined && role === undefined) return refuseUnknown(c, 'project');
      const needed = permissions[operationId];
      return refuse(
        c,
        'forbidden',
        needed === 'admin'
          ? 'Only an admin of the stack may do this. Ask one.'
          : `This takes the role ${needed} in the project, and yours is ${role}. Ask an owner of the project.`,
      );
    }
    const token = bearerToken(c.req.header('authorization'));
    // A revoked token may still be remembered for a moment; it must not create anything that outlives it.
    if (token && !safeMethods.has(c.req.method) && outlivesCaller(operationId)) {
      if (!(await apiTokens.verify(token))) return refuseNobody(c);
    }
    c.set('role', role);
    return next();
  };
