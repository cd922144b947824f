import type { Context } from 'hono';
import type * as z from 'zod';
import { pathOf } from '../../../protocol/endpoints/call.ts';
import type { inTask } from '../../../protocol/endpoints/params.ts';
import * as endpoints from '../../../protocol/endpoints/tasks.ts';
import { taskId } from '../../../protocol/index.ts';
import { publicTask } from '../../adapters/tasks/tasks.ts';
import { decideTask } from '../../flows/tasks/confirm.ts';
import { InputRefused, startTask, stopTask } from '../../flows/tasks/start-task.ts';
import { fromCursor } from '../cursor.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { pageOf } from '../pages.ts';
import { refuse, refuseCursor, refuseFields, refuseReferences, refuseUnknown } from '../refuse.ts';
import { findMissingValues } from '../resources/references.ts';
import { routeOf, routes } from '../route.ts';
import { costsOf, runnersOf, showTask, showTasks } from './view.ts';

/** Other errors are not for the caller. */
const asInputRefused = (error: unknown): InputRefused => {
  if (error instanceof InputRefused) return error;
  throw error;
};

type Decision = Parameters<typeof decideTask>[2];

const decide = async (
  deps: ApiDeps,
  c: Context<PersonEnv>,
  { projectId, taskId }: z.infer<typeof inTask>,
  decision: Decision,
) => {
  const found = await deps.tasks.get(projectId, taskId);
  if (!found) return refuseUnknown(c, 'task');
  const { name, onBehalfOf } = c.get('caller');
  const decided = await decideTask(deps, found, decision, { name, personId: onBehalfOf.id });
  if (!decided.ok) return refuse(c, 'another_person_needed', decided.why);
  return decided.task
    ? c.json(await showTask(deps, decided.task), 200)
    : refuse(
        c,
        'not_waiting_confirmation',
        `The task is ${found.status}; it does not wait for confirmation.`,
      );
};

export const taskRoutes = (deps: ApiDeps) =>
  routes<PersonEnv>()
    .openapi(routeOf(endpoints.startTask), async (c) => {
      const { projectId } = c.req.valid('param');
      const input = c.req.valid('json');
      const missing = await findMissingValues(deps, projectId, input);
      if (missing.length > 0) return refuseReferences(c, missing);
      const { name, onBehalfOf } = c.get('caller');
      const by = { name, people: [onBehalfOf.id] };
      const { 'idempotency-key': key } = c.req.valid('header');
      const id =
        key === undefined ? undefined : await deps.startKeys.taskIdFor(projectId, onBehalfOf.id, key);
      const started = await startTask(deps, projectId, input, by, id).catch(asInputRefused);
      if (started instanceof InputRefused) return refuseFields(c, started.faults);
      if (!started) {
        return (await deps.projects.get(projectId))
          ? refuseReferences(c, [{ path: 'templateId', message: 'is not in this project' }])
          : refuseUnknown(c, 'project');
      }
      c.set('made', { kind: 'tasks', id: started.id, name: started.templateName });
      return c.json(publicTask(started), 201, {
        location: pathOf(endpoints.getTask, { projectId, taskId: started.id }),
      });
    })
    .openapi(routeOf(endpoints.listTasks), async (c) => {
      const { projectId } = c.req.valid('param');
      const { cursor, ...query } = c.req.valid('query');
      const after = cursor === undefined ? undefined : fromCursor(projectId, cursor, taskId);
      if (cursor !== undefined && !after) return refuseCursor(c);
      if (!(await deps.projects.get(projectId))) return refuseUnknown(c, 'project');
      const { items, next } = await deps.tasks.list(projectId, query, after);
      const runners = await runnersOf(deps, items);
      const [shown, costs] = await Promise.all([
        showTasks(deps, projectId, items, runners),
        costsOf(deps, projectId, items, runners),
      ]);
      const priced = shown.map((task) => ({ ...task, ...costs.get(task.id) }));
      const tasks = priced.map(({ hosts: _hosts, ...task }) => task);
      return c.json(pageOf(projectId, { items: tasks, next }), 200);
    })
    .openapi(routeOf(endpoints.getTask), async (c) => {
      const { projectId, taskId } = c.req.valid('param');
      const found = await deps.tasks.get(projectId, taskId);
      return found ? c.json(await showTask(deps, found), 200) : refuseUnknown(c, 'task');
    })
    .openapi(routeOf(endpoints.stopTask), async (c) => {
      const { projectId, taskId } = c.req.valid('param');
      const found = await deps.tasks.get(projectId, taskId);
      if (!found) return refuseUnknown(c, 'task');
      if (!(await stopTask(deps, found, c.get('caller').name))) {
        return refuse(c, 'already_ended', 'The task has ended; there is nothing to stop.');
      }
      const now = await deps.tasks.get(projectId, taskId);
      return now ? c.json(await showTask(deps, now), 200) : refuseUnknown(c, 'task');
    })
    .openapi(routeOf(endpoints.confirmTask), (c) => decide(deps, c, c.req.valid('param'), 'confirm'))
    .openapi(routeOf(endpoints.rejectTask), (c) => decide(deps, c, c.req.valid('param'), 'reject'));
