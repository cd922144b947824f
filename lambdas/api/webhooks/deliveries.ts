/** Routes of webhook deliveries: list them, and resend one. */
import type { Context } from 'hono';
import type * as z from 'zod';
import { deliveryId, deliveryStatus, type ProjectId, page, pageQuery } from '../../../protocol/index.ts';
import { resend } from '../../flows/webhooks/deliver.ts';
import { fromCursor, toCursor } from '../cursor.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuseCursor, refuseUnknown } from '../refuse.ts';
import { answer, describe, people, routes } from '../route.ts';
import { deliverySchema, inDelivery, inProject, inTask } from '../schemas.ts';

const shared = { tags: ['Webhook deliveries'], security: people };
const listQuery = pageQuery.extend({ status: deliveryStatus.optional() });
const pageOfDeliveries = { 200: answer('A page of deliveries', page(deliverySchema)) };

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
    return c.json({ items, ...(next && { nextCursor: toCursor(next) }) }, 200);
  };

  return routes<PersonEnv>()
    .openapi(
      describe({
        ...shared,
        method: 'get',
        path: '/api/projects/{projectId}/deliveries',
        operationId: 'listDeliveries',
        summary: "List a project's webhook deliveries, newest task first",
        request: { params: inProject, query: listQuery },
        responses: pageOfDeliveries,
      }),
      async (c) => {
        const { projectId } = c.req.valid('param');
        if (!(await deps.projects.get(projectId))) return refuseUnknown(c, 'project');
        return list(c, projectId, 'msg_', c.req.valid('query'));
      },
    )
    .openapi(
      describe({
        ...shared,
        method: 'get',
        path: '/api/projects/{projectId}/tasks/{taskId}/deliveries',
        operationId: 'listTaskDeliveries',
        summary: "List a task's webhook deliveries",
        request: { params: inTask, query: listQuery },
        responses: pageOfDeliveries,
      }),
      async (c) => {
        const { projectId, taskId } = c.req.valid('param');
        if (!(await deps.tasks.get(projectId, taskId))) return refuseUnknown(c, 'task');
        return list(c, projectId, `${taskId.replace('tsk_', 'msg_')}_`, c.req.valid('query'));
      },
    )
    .openapi(
      describe({
        ...shared,
        method: 'post',
        path: '/api/projects/{projectId}/deliveries/{deliveryId}/send',
        operationId: 'sendDelivery',
        summary: 'Send a delivery again, now',
        description: 'Under the same id, so that a receiver which knows it may ignore it.',
        request: { params: inDelivery },
        responses: { 200: answer('The delivery with what came of the attempt', deliverySchema) },
      }),
      async (c) => {
        const { projectId, deliveryId: id } = c.req.valid('param');
        const sent = await resend(deps, { projectId, id });
        return sent ? c.json(sent, 200) : refuseUnknown(c, 'delivery, or its runner was removed,');
      },
    );
};
