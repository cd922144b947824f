/** Routes that read a task's log: page by page while it grows, and complete. */

import { gzipSync } from 'node:zlib';
import * as endpoints from '../../../protocol/endpoints/tasks.ts';
import { msBetween } from '../../../protocol/index.ts';
import { hasEnded } from '../../core/tasks/task-state.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuse, refuseUnknown } from '../refuse.ts';
import { routeOf, routes } from '../route.ts';

/** Longer than an agent's call takes: chunks still missing this long after the task's end never come. */
const lateMs = 60_000;

export const logRoutes = (deps: ApiDeps) =>
  routes<PersonEnv>()
    .openapi(routeOf(endpoints.readLog), async (c) => {
      const { projectId, taskId } = c.req.valid('param');
      const { offset, attempt: wanted } = c.req.valid('query');
      const task = await deps.tasks.get(projectId, taskId);
      if (!task) return refuseUnknown(c, 'task');
      const attempt = wanted ?? task.attempt;
      if (attempt > task.attempt) {
        return refuse(c, 'not_found', `The task has had ${task.attempt} attempts so far.`);
      }
      const { entries, nextOffset } = await deps.logs.read({ taskId, attempt }, offset);
      // The agent that ends a task reports its log's length; after a lost attempt it is unknown, but
      // writing has stopped.
      const isOver = attempt < task.attempt || hasEnded(task.status);
      const told = attempt === task.attempt ? task.logChunks : undefined;
      const isLate = msBetween(task.finishedAt ?? task.createdAt, deps.now()) >= lateMs;
      const reachesEnd =
        (told !== undefined && nextOffset >= told) ||
        (entries.length === 0 && (told === undefined || isLate));
      return c.json({ attempt, entries, nextOffset, complete: isOver && reachesEnd }, 200);
    })
    .openapi(routeOf(endpoints.downloadLog), async (c) => {
      const { projectId, taskId } = c.req.valid('param');
      const { from, attempt: wanted } = c.req.valid('query');
      const task = await deps.tasks.get(projectId, taskId);
      if (!task) return refuseUnknown(c, 'task');
      const attempt = wanted ?? task.attempt;
      const { members, nextOffset, isLast } = await deps.logs.download({ taskId, attempt }, from);
      const next = `${c.req.path}?attempt=${attempt}&from=${nextOffset}`;
      // A gzip file needs at least one member.
      const file = members.length > 0 || from > 0 ? Buffer.concat(members) : gzipSync('');
      return c.body(file, 200, {
        'content-type': 'application/gzip',
        'content-disposition': `attachment; filename="${taskId}-${attempt}.log.gz"`,
        ...(!isLast && { link: `<${next}>; rel="next"` }),
      });
    });
