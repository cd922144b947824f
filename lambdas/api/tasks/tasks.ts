/** Routes of tasks: start, list, get, stop. */
import type { Context } from 'hono';
import type * as z from 'zod';
import { page, taskId, taskQuery } from '../../../protocol/index.ts';
import { publicTask } from '../../adapters/tasks/tasks.ts';
import { decideTask } from '../../flows/tasks/confirm.ts';
import { InputRefused, startTask, stopTask } from '../../flows/tasks/start-task.ts';
import { fromCursor, toCursor } from '../cursor.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuse, refuseCursor, refuseFields, refuseReferences, refuseUnknown } from '../refuse.ts';
import { findMissingValues } from '../resources/references.ts';
import { answer, created, describe, jsonBody, people, routes } from '../route.ts';
import { inProject, inTask, taskInputSchema, taskSchema } from '../schemas.ts';
import { costsOf, showTask, showTasks } from './view.ts';

/** Other errors are not for the caller. */
const asInputRefused = (error: unknown): InputRefused => {
  if (error instanceof InputRefused) return error;
  throw error;
};

const shared = { tags: ['Tasks'], security: people };
const path = '/api/projects/{projectId}/tasks';

type Decision = Parameters<typeof decideTask>[2];

const decisionRoute = (decision: Decision, summary: string) =>
  describe(
    {
      ...shared,
      method: 'post',
      path: `${path}/{taskId}/${decision}`,
      operationId: `${decision}Task`,
      summary,
      request: { params: inTask },
      responses: { 200: answer('The task as it is now', taskSchema) },
    },
    'not_waiting_confirmation',
    'another_person_needed',
  );

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
    : refuse(c, 'not_waiting_confirmation', `The task is ${found.status}: it does not wait to be confirmed.`);
};

export const taskRoutes = (deps: ApiDeps) =>
  routes<PersonEnv>()
    .openapi(
      describe(
        {
          ...shared,
          method: 'post',
          path,
          operationId: 'startTask',
          summary: 'Start a task from a template',
          request: { params: inProject, body: jsonBody(taskInputSchema) },
          responses: { 201: created('The new task', taskSchema) },
        },
        'invalid_reference',
      ),
      async (c) => {
        const { projectId } = c.req.valid('param');
        const input = c.req.valid('json');
        const missing = await findMissingValues(deps, projectId, input);
        if (missing.length > 0) return refuseReferences(c, missing);
        const { name, onBehalfOf } = c.get('caller');
        const by = { name, people: [onBehalfOf.id] };
        const started = await startTask(deps, projectId, input, by).catch(asInputRefused);
        if (started instanceof InputRefused) return refuseFields(c, started.faults);
        if (!started) {
          return (await deps.projects.get(projectId))
            ? refuseReferences(c, [{ path: 'templateId', message: 'is not in this project' }])
            : refuseUnknown(c, 'project');
        }
        return c.json(publicTask(started), 201, {
          location: `/api/projects/${projectId}/tasks/${started.id}`,
        });
      },
    )
    .openapi(
      describe({
        ...shared,
        method: 'get',
        path,
        operationId: 'listTasks',
        summary: "List a project's tasks, newest first",
        description:
          'With filters or `search`, some 2,000 tasks are looked through for a page, so it may hold fewer than `limit`, or none, while there are older ones: go on as long as there is a `nextCursor`.',
        request: { params: inProject, query: taskQuery },
        responses: { 200: answer('A page of tasks', page(taskSchema)) },
      }),
      async (c) => {
        const { projectId } = c.req.valid('param');
        const { cursor, ...query } = c.req.valid('query');
        const after = cursor === undefined ? undefined : fromCursor(projectId, cursor, taskId);
        if (cursor !== undefined && !after) return refuseCursor(c);
        if (!(await deps.projects.get(projectId))) return refuseUnknown(c, 'project');
        const { items, next } = await deps.tasks.list(projectId, query, after);
        const [shown, costs] = await Promise.all([
          showTasks(deps, projectId, items),
          costsOf(deps, projectId, items),
        ]);
        const priced = shown.map((task) => ({ ...task, ...costs.get(task.id) }));
        const tasks = priced.map(({ hosts: _hosts, ...task }) => task);
        return c.json({ items: tasks, ...(next && { nextCursor: toCursor(next) }) }, 200);
      },
    )
    .openapi(
      describe({
        ...shared,
        method: 'get',
        path: `${path}/{taskId}`,
        operationId: 'getTask',
        summary: 'Get a task, with why it waits and what it cost so far',
        request: { params: inTask },
        responses: { 200: answer('The task', taskSchema) },
      }),
      async (c) => {
        const { projectId, taskId } = c.req.valid('param');
        const found = await deps.tasks.get(projectId, taskId);
        return found ? c.json(await showTask(deps, found), 200) : refuseUnknown(c, 'task');
      },
    )
    .openapi(
      describe(
        {
          ...shared,
          method: 'post',
          path: `${path}/{taskId}/stop`,
          operationId: 'stopTask',
          summary: 'Stop a task',
          description:
            'A waiting task ends at once; one that runs is `stopping` until its agent has ended it.',
          request: { params: inTask },
          responses: { 200: answer('The task as it is now', taskSchema) },
        },
        'already_ended',
      ),
      async (c) => {
        const { projectId, taskId } = c.req.valid('param');
        const found = await deps.tasks.get(projectId, taskId);
        if (!found) return refuseUnknown(c, 'task');
        if (!(await stopTask(deps, found, c.get('caller').name))) {
          return refuse(c, 'already_ended', 'The task has ended; there is nothing to stop.');
        }
        const now = await deps.tasks.get(projectId, taskId);
        return now ? c.json(await showTask(deps, now), 200) : refuseUnknown(c, 'task');
      },
    )
    .openapi(decisionRoute('confirm', 'Let a task that waits for confirmation go on'), (c) =>
      decide(deps, c, c.req.valid('param'), 'confirm'),
    )
    .openapi(decisionRoute('reject', 'End a task that waits for confirmation'), (c) =>
      decide(deps, c, c.req.valid('param'), 'reject'),
    );
