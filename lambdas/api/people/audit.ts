import type { Context, MiddlewareHandler } from 'hono';
import type * as z from 'zod';
import { paramsIn } from '../../../protocol/endpoints/call.ts';
import type { Endpoint } from '../../../protocol/endpoints/endpoint.ts';
import * as endpoints from '../../../protocol/endpoints/people.ts';
import { removeProject } from '../../../protocol/endpoints/projects.ts';
import { auditEventId, type auditExportQuery, type auditQuery, projectId } from '../../../protocol/index.ts';
import type { AuditScope, NewAuditEvent } from '../../adapters/people/audit.ts';
import { auditChanges as changesBetween } from '../../core/people/audit-changes.ts';
import { csvHeader, csvOf, jsonLinesOf } from '../../core/people/audit-export.ts';
import { endpointOf } from '../authorize.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuseCursor, refuseUnknown } from '../refuse.ts';
import { routeOf, routes } from '../route.ts';
import { type Audited, type AuditedStores, readAudited } from './audit-object.ts';

const reads: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The stack's trail records the removal of a project: the project's own trail is unreadable afterwards. */
const scopeOf = (endpoint: Endpoint | undefined, path: string): AuditScope => {
  const id = projectId.safeParse(endpoint && paramsIn(endpoint, path).projectId);
  return id.success && endpoint?.operationId !== removeProject.operationId ? id.data : 'stack';
};

/** Changes that people make to their own account. */
const ownChanges: ReadonlySet<Endpoint | undefined> = new Set([
  endpoints.logout,
  endpoints.changePassword,
  endpoints.offerTotp,
  endpoints.confirmTotp,
  endpoints.removeTotp,
]);

/**
 * Records each change with the object's name, and for a PUT the changed settings. An object that cannot be
 * read or recorded is only logged, so that people can still change an unreadable one.
 */
export const auditChanges = (
  deps: AuditedStores & Pick<ApiDeps, 'audit' | 'log' | 'sourceOf'>,
): MiddlewareHandler<PersonEnv> => {
  const look = async (path: string): Promise<Audited | undefined> => {
    try {
      return await readAudited(deps, path);
    } catch (error) {
      deps.log.error('An object could not be read for the audit trail', { path, error: String(error) });
      return undefined;
    }
  };
  const describeChange = async (
    c: Context<PersonEnv>,
    target: string,
    before: Audited | undefined,
  ): Promise<Pick<NewAuditEvent, 'object' | 'changes' | 'moreChanges'>> => {
    if (ownChanges.has(endpointOf(c))) {
      const user = c.get('signedIn')?.user;
      return user ? { object: { kind: 'users', id: user.id, name: user.name } } : {};
    }
    const made = c.get('made');
    if (made) return { object: made };
    const isPut = c.req.method === 'PUT';
    const after = isPut || !before ? await look(target) : undefined;
    const object = (after ?? before)?.object;
    const isCompared = isPut && (after ?? before)?.settings !== undefined;
    return {
      object,
      ...(isCompared && changesBetween(before?.settings, after?.settings, await c.req.json())),
    };
  };
  return async (c, next) => {
    if (reads.has(c.req.method)) return next();
    const before = await look(c.req.path);
    await next();
    if (c.res.status >= 400) return;
    const { id, name } = c.get('caller');
    const endpoint = endpointOf(c);
    const operation = endpoint?.operationId ?? 'unknown';
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
      await deps.audit.record(scopeOf(endpoint, c.req.path), { ...event, ...described });
    } catch (error) {
      deps.log.error('An event of the audit trail could not be stored', { ...event, error: String(error) });
    }
  };
};

/** Maximum events in one part of an export: at 8 KB of changes each, it stays under Lambda's 6 MB. */
const exportedAtOnce = 200;

const textOf = { csv: 'text/csv', jsonl: 'application/jsonl' } as const;

export const auditRoutes = (deps: ApiDeps) => {
  type Query = z.infer<typeof auditQuery>;
  /** Returns a page of a trail, or the reason why there is none. */
  const read = async (c: Context<PersonEnv>, scope: AuditScope, { cursor, ...query }: Query) => {
    const after = cursor === undefined ? undefined : Buffer.from(cursor, 'base64url').toString();
    if (after !== undefined && !auditEventId.safeParse(after).success) return refuseCursor(c);
    const isThere = scope === 'stack' || (await deps.projects.get(scope)) !== undefined;
    if (!isThere && c.get('role') !== 'admin') return refuseUnknown(c, 'project');
    const { items, next } = await deps.audit.list(scope, query, after);
    if (!isThere && items.length === 0 && !next) return refuseUnknown(c, 'project');
    return { items, nextCursor: next && Buffer.from(next).toString('base64url') };
  };
  const list = async (c: Context<PersonEnv>, scope: AuditScope, query: Query) => {
    const found = await read(c, scope, query);
    if (found instanceof Response) return found;
    const { items, nextCursor } = found;
    return c.json({ items, nextCursor }, 200);
  };
  const exportPart = async (
    c: Context<PersonEnv>,
    scope: AuditScope,
    { format, ...query }: z.infer<typeof auditExportQuery>,
  ) => {
    const found = await read(c, scope, { ...query, limit: exportedAtOnce });
    if (found instanceof Response) return found;
    const { items, nextCursor } = found;
    const csv = () => `${query.cursor === undefined ? csvHeader : ''}${csvOf(items)}`;
    const next = new URLSearchParams({ ...c.req.query(), cursor: nextCursor ?? '' });
    return c.body(format === 'csv' ? csv() : jsonLinesOf(items), 200, {
      'content-type': `${textOf[format]}; charset=utf-8`,
      'content-disposition': `attachment; filename="audit-${scope}.${format}"`,
      ...(nextCursor && { link: `<${c.req.path}?${next}>; rel="next"` }),
    });
  };

  return routes<PersonEnv>()
    .openapi(routeOf(endpoints.listAudit), (c) =>
      list(c, c.req.valid('param').projectId, c.req.valid('query')),
    )
    .openapi(routeOf(endpoints.exportAudit), (c) =>
      exportPart(c, c.req.valid('param').projectId, c.req.valid('query')),
    )
    .openapi(routeOf(endpoints.listStackAudit), (c) => list(c, 'stack', c.req.valid('query')))
    .openapi(routeOf(endpoints.exportStackAudit), (c) => exportPart(c, 'stack', c.req.valid('query')));
};
