import type { Context } from 'hono';
import type * as z from 'zod';
import * as endpoints from '../../../protocol/endpoints/webhooks.ts';
import { deliveryId, deliveryStatus, type ProjectId, pageQuery } from '../../../protocol/index.ts';
import { resend } from '../../flows/webhooks/deliver.ts';
import { fromCursor, toCursor } from '../cursor.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuseCursor, refuseUnknown } from '../refuse.ts';
import { routeOf, routes } from '../route.ts';

const listQuery = pageQuery.extend({ status: deliveryStatus.optional() });

export const deliveryRoutes = (deps: ApiDeps) => {
  const list = async (
    c: Context,
    projectId: ProjectId,
    prefix: string,
    { cursor, ...query }: z.infer<typeof listQuery>,
  ) => {
    const after = cursor === undefined ? undefined : fromCursor(projectId, cursor, deliveryId);
    // A cursor from another task's listing is well formed, but lies outside this listing.
    if (cursor !== undefined && !after?.sk.startsWith(prefix)) return refuseCursor(c);
    const { items, next } = await deps.deliveries.list(projectId, prefix, query, after);
    return c.json({ items, nextCursor: next && toCursor(next) }, 200);
  };

  return routes<PersonEnv>()
    .openapi(routeOf(endpoints.listDeliveries), async (c) => {
      const { projectId } = c.req.valid('param');
      if (!(await deps.projects.get(projectId))) return refuseUnknown(c, 'project');
      return list(c, projectId, 'msg_', c.req.valid('query'));
    })
    .openapi(routeOf(endpoints.listTaskDeliveries), async (c) => {
      const { projectId, taskId } = c.req.valid('param');
      if (!(await deps.tasks.get(projectId, taskId))) return refuseUnknown(c, 'task');
      return list(c, projectId, `${taskId.replace('tsk_', 'msg_')}_`, c.req.valid('query'));
    })
    .openapi(routeOf(endpoints.sendDelivery), async (c) => {
      const { projectId, deliveryId: id } = c.req.valid('param');
      const sent = await resend(deps, { projectId, id });
      return sent ? c.json(sent, 200) : refuseUnknown(c, 'delivery, or its runner was removed,');
    });
};
