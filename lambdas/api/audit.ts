/** The audit trail: written for every change that people make, read by owners and admins. */
import type { Context, MiddlewareHandler } from 'hono';
import { auditEventId, page, pageQuery, projectId } from '../../protocol/index.ts';
import type { AuditScope } from '../adapters/audit.ts';
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

/** Records each change that was made. One that cannot be recorded is logged instead: it has happened already. */
export const auditChanges =
  (
    deps: Pick<ApiDeps, 'audit' | 'log' | 'sourceOf'>,
    operationOf: ReturnType<typeof findOperation>,
  ): MiddlewareHandler<PersonEnv> =>
  async (c, next) => {
    await next();
    if (reads.has(c.req.method) || c.res.status >= 400) return;
    const { id, name } = c.get('caller');
    const operation = operationOf(c) ?? 'unknown';
    const event = {
      actor: { id, name },
      operation,
      target: c.res.headers.get('location') ?? c.req.path,
      source: deps.sourceOf(c),
      requestId: c.get('requestId'),
    };
    try {
      await deps.audit.record(scopeOf(c.req.path, operation), event);
    } catch (error) {
      deps.log('An event of the audit trail could not be stored', { ...event, error: String(error) });
    }
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
