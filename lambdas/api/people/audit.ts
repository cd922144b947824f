/** The audit trail: records every change that people make, for owners and admins to read. */
import type { Context, MiddlewareHandler } from 'hono';
import * as z from 'zod';
import { auditEventId, auditExportQuery, auditQuery, page, projectId } from '../../../protocol/index.ts';
import type { AuditScope, NewAuditEvent } from '../../adapters/people/audit.ts';
import { auditChanges as changesBetween } from '../../core/people/audit-changes.ts';
import { csvHeader, csvOf, jsonLinesOf } from '../../core/people/audit-export.ts';
import type { findOperation } from '../authorize.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuseCursor, refuseUnknown } from '../refuse.ts';
import { answer, describe, people, routes } from '../route.ts';
import { auditEventSchema, inProject } from '../schemas.ts';
import { type Audited, type AuditedStores, readAudited } from './audit-object.ts';

const reads: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The stack's trail records the removal of a project: the project's own trail is unreadable afterwards. */
const scopeOf = (path: string, operation: string): AuditScope => {
  const id = projectId.safeParse(path.split('/')[3]);
  return path.startsWith('/api/projects/') && id.success && operation !== 'removeProject' ? id.data : 'stack';
};

/** Paths by which people change their own account. */
const ownPath = /^\/api\/(me|logout)(\/|$)/;

/**
 * Records each change with the object's name, and for a PUT the changed settings. An object that cannot be
 * read or recorded is only logged, so that people can still change an unreadable one.
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

/** Maximum events in one part of an export: at 8 KB of changes each, it stays under Lambda's 6 MB. */
const exportedAtOnce = 200;

const filtered =
  'With filters, 2,000 events are examined for a page, so it may hold fewer than `limit`, or none, while there are older ones: go on as long as there is a `nextCursor`.';
const inParts =
  'In parts: as long as the answer has a `Link` with `rel="next"`, follow it; the parts, one after the other, are one file. A part may be empty.';
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
    return c.json({ items, ...(nextCursor && { nextCursor }) }, 200);
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

  const responses = { 200: answer('A page of events', page(auditEventSchema)) };
  const file = { schema: z.string() };
  const exported = {
    200: {
      description: 'The file, or a part of it',
      content: { [textOf.csv]: file, [textOf.jsonl]: file },
    },
  };
  const shared = { tags: ['Members'], security: people, method: 'get' as const };
  return routes<PersonEnv>()
    .openapi(
      describe({
        ...shared,
        path: '/api/projects/{projectId}/audit',
        operationId: 'listAudit',
        summary: "List a project's changes and uses of secrets, newest first",
        description: `Of a project that was removed, for admins. ${filtered}`,
        request: { params: inProject, query: auditQuery },
        responses,
      }),
      (c) => list(c, c.req.valid('param').projectId, c.req.valid('query')),
    )
    .openapi(
      describe({
        ...shared,
        path: '/api/projects/{projectId}/audit/export',
        operationId: 'exportAudit',
        summary: "Download a project's audit trail as CSV or JSON lines",
        description: inParts,
        request: { params: inProject, query: auditExportQuery },
        responses: exported,
      }),
      (c) => exportPart(c, c.req.valid('param').projectId, c.req.valid('query')),
    )
    .openapi(
      describe({
        ...shared,
        path: '/api/audit',
        operationId: 'listStackAudit',
        summary: 'List sign-ins, and the changes that are in no project, newest first',
        description: filtered,
        request: { query: auditQuery },
        responses,
      }),
      (c) => list(c, 'stack', c.req.valid('query')),
    )
    .openapi(
      describe({
        ...shared,
        path: '/api/audit/export',
        operationId: 'exportStackAudit',
        summary: "Download the stack's audit trail as CSV or JSON lines",
        description: inParts,
        request: { query: auditExportQuery },
        responses: exported,
      }),
      (c) => exportPart(c, 'stack', c.req.valid('query')),
    );
};
