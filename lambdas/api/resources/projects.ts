/** Routes of projects. */
import { roleIn } from '../../core/people/permissions.ts';
import { removeSchedules } from '../../flows/schedules/sync-schedule.ts';
import { setLimit } from '../../flows/tasks/repair-limits.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuse, refuseUnknown } from '../refuse.ts';
import { answer, created, describe, jsonBody, noContent, people, routes } from '../route.ts';
import { inProject, listOf, projectInputSchema, projectSchema } from '../schemas.ts';
import { describeUse, usersOfProject } from './references.ts';

const shared = { tags: ['Projects'], security: people };
const path = '/api/projects';
const itemPath = '/api/projects/{projectId}';

export const projectRoutes = (deps: ApiDeps) =>
  routes<PersonEnv>()
    .openapi(
      describe({
        ...shared,
        method: 'get',
        path,
        operationId: 'listProjects',
        summary: 'List the projects that one has a role in',
        responses: { 200: answer('The projects, oldest first', listOf(projectSchema)) },
      }),
      async (c) => {
        const all = await deps.projects.list();
        return c.json({ items: all.filter(({ id }) => roleIn(c.get('caller'), id) !== undefined) }, 200);
      },
    )
    .openapi(
      describe(
        {
          ...shared,
          method: 'post',
          path,
          operationId: 'createProject',
          summary: 'Create a project',
          request: { body: jsonBody(projectInputSchema) },
          responses: { 201: created('The new project', projectSchema) },
        },
        'name_taken',
      ),
      async (c) => {
        const made = await deps.projects.create(c.req.valid('json'));
        return c.json(made, 201, { location: `${path}/${made.id}` });
      },
    )
    .openapi(
      describe({
        ...shared,
        method: 'get',
        path: itemPath,
        operationId: 'getProject',
        summary: 'Get a project',
        request: { params: inProject },
        responses: { 200: answer('The project', projectSchema) },
      }),
      async (c) => {
        const found = await deps.projects.get(c.req.valid('param').projectId);
        return found ? c.json(found, 200) : refuseUnknown(c, 'project');
      },
    )
    .openapi(
      describe(
        {
          ...shared,
          method: 'put',
          path: itemPath,
          operationId: 'replaceProject',
          summary: 'Replace a project',
          request: { params: inProject, body: jsonBody(projectInputSchema) },
          responses: { 200: answer('The project as it is now', projectSchema) },
        },
        'changed_meanwhile',
        'name_taken',
      ),
      async (c) => {
        const { projectId } = c.req.valid('param');
        const before = await deps.projects.get(projectId);
        const replaced = await deps.projects.replace(projectId, c.req.valid('json'));
        if (replaced && before?.maxParallelTasks !== replaced.maxParallelTasks)
          await setLimit(deps, replaced);
        return replaced ? c.json(replaced, 200) : refuseUnknown(c, 'project');
      },
    )
    .openapi(
      describe(
        {
          ...shared,
          method: 'delete',
          path: itemPath,
          operationId: 'removeProject',
          summary: 'Remove a project with all that it holds',
          description: 'Refused while it has runners, or tasks that have not ended.',
          request: { params: inProject },
          responses: { 204: noContent('It is removed') },
        },
        'changed_meanwhile',
        'in_use',
        'unavailable',
      ),
      async (c) => {
        const { projectId } = c.req.valid('param');
        const users = await usersOfProject(deps, projectId);
        if (users.length > 0) return refuse(c, 'in_use', describeUse('project', users));
        if (!(await deps.projects.get(projectId))) return refuseUnknown(c, 'project');
        // EventBridge Scheduler stores schedules apart from the table, which has no trace of them afterwards.
        if (!(await removeSchedules(deps, projectId))) {
          const detail =
            'EventBridge Scheduler still has schedules of the project. They start nothing any more; remove the project again in a minute.';
          return refuse(c, 'unavailable', detail);
        }
        await deps.apiTokens.revokeAll(projectId);
        await deps.users.leaveProject(projectId);
        return (await deps.projects.remove(projectId)) ? c.body(null, 204) : refuseUnknown(c, 'project');
      },
    );
