/** Routes of projects. */
import { pathOf } from '../../../protocol/endpoints/call.ts';

import * as endpoints from '../../../protocol/endpoints/projects.ts';
import { roleIn } from '../../../protocol/index.ts';
import { removeSchedules } from '../../flows/schedules/sync-schedule.ts';
import { setLimit } from '../../flows/tasks/repair-limits.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuse, refuseUnknown } from '../refuse.ts';
import { routeOf, routes } from '../route.ts';
import { describeUse, usersOfProject } from './references.ts';

export const projectRoutes = (deps: ApiDeps) =>
  routes<PersonEnv>()
    .openapi(routeOf(endpoints.listProjects), async (c) => {
      const all = await deps.projects.list();
      return c.json({ items: all.filter(({ id }) => roleIn(c.get('caller'), id) !== undefined) }, 200);
    })
    .openapi(routeOf(endpoints.createProject), async (c) => {
      const made = await deps.projects.create(c.req.valid('json'));
      return c.json(made, 201, { location: pathOf(endpoints.getProject, { projectId: made.id }) });
    })
    .openapi(routeOf(endpoints.getProject), async (c) => {
      const found = await deps.projects.get(c.req.valid('param').projectId);
      return found ? c.json(found, 200) : refuseUnknown(c, 'project');
    })
    .openapi(routeOf(endpoints.replaceProject), async (c) => {
      const { projectId } = c.req.valid('param');
      const before = await deps.projects.get(projectId);
      const replaced = await deps.projects.replace(projectId, c.req.valid('json'));
      if (replaced && before?.maxParallelTasks !== replaced.maxParallelTasks) await setLimit(deps, replaced);
      return replaced ? c.json(replaced, 200) : refuseUnknown(c, 'project');
    })
    .openapi(routeOf(endpoints.removeProject), async (c) => {
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
    });
