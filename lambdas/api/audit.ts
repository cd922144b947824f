/** The audit trail: written for every change that people make, read by owners and admins. */
import type { Context, MiddlewareHandler } from 'hono';
import { auditEventId, page, pageQuery, projectId } from '../../protocol/index.ts';
import type { AuditScope, NewAuditEvent } from '../adapters/audit.ts';
import { auditChanges as changesBetween } from '../core/audit-changes.ts';
import { type Audited, type AuditedStores, readAudited } from './audit-object.ts';
import type { findOperation } from './authorize.ts';
import type { ApiDeps, PersonEnv } from './deps.ts';
import { refuseCursor, refuseUnknown } from './refuse.ts';
import { answer, describe, people, routes } from './route.ts';
import { auditEventSchema, inProject } from './schemas.ts';

const reads: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The stack's trail keeps what ends a project: the project's own cannot be read afterwards. */
const scopeOf = (path: string, operation: string): AuditScope => {
  const id = projectId.safeParse(path.split('/')[3]);
  return path.startsWith('/api/projects/') && id.success && operation !== 'removeProject' ? id.data : 'stack';
};

/** Paths by which people change themselves. */
const ownPath = /^\/api\/(me|logout)(\/|$)/;

/**
 * Records each change that was made, with the object's name, and of a PUT what it changed. What cannot be read or recorded is
 * logged instead, and keeps nobody from changing what is unreadable.
 */
export const auditChanges = (
  deps: AuditedStores & Pick<ApiDeps, 'audit' | 'log' | 'sourceOf'>,
  operationOf: ReturnType<typeof findOperation>,
): MiddlewareHandler<PersonEnv> => {
  const look = async (path: string): Promise<Audited | undefined> => {
    try {
      return await readAudited(deps, path);
    } catch (error) {
      deps.log('An object could not be read for the audit trail', { path, error: String(error) });
      return undefined;
    }
  };
  const describeChange = async (
    c: Context<PersonEnv>,
    target: string,
    before: Audited | undefined,
  ): Promise<Pick<NewAuditEvent, 'object' | 'changes' | 'moreChanges'>> => {
    if (ownPath.test(c.req.path)) {
      const user = c.get('signedIn')?.user;
      return user ? { object: { kind: 'users', id: user.id, name: user.name } } : {};
    }
    const isPut = c.req.method === 'PUT';
    const after = isPut || !before ? await look(target) : undefined;
    const object = (after ?? before)?.object;
    const isCompared = isPut && (after ?? before)?.settings !== undefined;
    return {
      ...(object && { object }),
      ...(isCompared && changesBetween(before?.settings, after?.settings, await c.req.json())),
    };
  };
  return async (c, next) => {
    if (reads.has(c.req.method)) return next();
    const before = await look(c.req.path);
    await next();
    if (c.res.status >= 400) return;
    const { id, name } = c.get('caller');
    const operation = operationOf(c) ?? 'unknown';
    const target = c.res.headers.get('location') ?? c.req.path;
    const event = {
      actor: { id, name },
      operation,
      target,
      source: deps.sourceOf(c),
      requestId: c.get('requestId'),
    };
    try {
      const described = await describeChange(c, target, before);
      await deps.audit.record(scopeOf(c.req.path, operation), { ...event, ...described });
    } catch (error) {
      deps.log('An event of the audit trail could not be stored', { ...event, error: String(error) });
    }
  };
};

export const auditRoutes = (deps: ApiDeps) => {
  const list = async (
    c: Context,
    scope: AuditScope,
    { limit, cursor }: { limit: number; cursor?: string | undefined },
    isThere = true,
  ) => {
    const after = cursor === undefined ? undefined : Buffer.from(cursor, 'base64url').toString();
    if (after !== undefined && !auditEventId.safeParse(after).success) return refuseCursor(c);
    const { items, next } = await deps.audit.list(scope, limit, after);
    if (!isThere && items.length === 0) return refuseUnknown(c, 'project');
    const nextCursor = next && Buffer.from(next).toString('base64url');
    return c.json({ items, ...(nextCursor && { nextCursor }) }, 200);
  };
  const responses = { 200: answer('A page of events', page(auditEventSchema)) };
  return routes<PersonEnv>()
    .openapi(
      describe({
        tags: ['Members'],
        security: people,
        method: 'get',
        path: '/api/projects/{projectId}/audit',
        operationId: 'listAudit',
        summary: "List a project's changes and uses of secrets, newest first",
        description: 'Of a project that was removed, for admins.',
        request: { params: inProject, query: pageQuery },
        responses,
      }),
      async (c) => {
        const { projectId: id } = c.req.valid('param');
        const isThere = (await deps.projects.get(id)) !== undefined;
        if (!isThere && c.get('role') !== 'admin') return refuseUnknown(c, 'project');
        return list(c, id, c.req.valid('query'), isThere);
      },
    )
    .openapi(
      describe({
        tags: ['Members'],
        security: people,
        method: 'get',
        path: '/api/audit',
        operationId: 'listStackAudit',
        summary: 'List sign-ins, and the changes that are in no project, newest first',
        request: { query: pageQuery },
        responses,
      }),
      async (c) => list(c, 'stack', c.req.valid('query')),
    );
};
